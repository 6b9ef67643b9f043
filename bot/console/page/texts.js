// Every word of the operator's page, and how numbers and times are written.

const TEXTS = {
  title: ["管理", "Operator"],
  skip: ["跳到内容", "Skip to content"],
  sections: ["页面", "Sections"],
  language: ["语言", "Language"],
  leave: ["退出", "Sign out"],
  tabNow: ["现况", "Now"],
  tabPeople: ["用户与额度", "People"],
  tabRecords: ["记录", "Records"],

  gateTitle: ["这里是管理页面", "This is the operator's page"],
  gateMachine: [
    "在运行程序的机器上执行这条命令，打开它给出的链接（只能用一次，10 分钟内有效）：",
    "On the machine where the bot runs, give this command and open the link it prints (it works once, for ten minutes):",
  ],
  gateProxy: [
    "或者：如果网页前面有登录的反向代理，用一个 admin 或 owner 角色的账号登录，再打开本页。",
    "Or, where a reverse proxy signs people in, sign in as somebody with the role admin or owner and open this page.",
  ],
  gateChats: [
    "聊天里的管理命令（/quota、/role、/pause……）不需要本页。",
    "Admins' commands in chats (/quota, /role, /pause …) work without this page.",
  ],
  lost: ["连接断开了，正在重新连接…", "The connection is lost; trying again…"],
  trouble: ["程序没有正常回答（{status}），请稍后再试。", "The program did not answer as it should ({status}). Please try again."],
  left: ["已退出。", "You are signed out."],

  stateOk: ["运行正常", "Running"],
  stateStarting: ["正在启动", "Starting"],
  stateStopping: ["正在停止", "Stopping"],
  stateDown: ["引擎停了", "Engine down"],
  stateAway: ["数据库连不上", "Database away"],
  statePaused: ["已暂停", "Paused"],
  up: ["已运行 {time}", "up {time}"],

  figLine: ["在等待", "Waiting"],
  figLineNote: ["约 {time}", "about {time}"],
  figLineEmpty: ["没有人在等", "nobody waits"],
  figLineUnknown: ["还估计不了", "no estimate yet"],
  figAnswering: ["正在回答", "Answering"],
  figAnsweringNote: ["最多同时 {n}", "at most {n} at once"],
  figSpeed: ["token/秒", "Tokens per second"],
  figSpeedNote: ["共 {n} token", "{n} tokens since the start"],
  figText: ["首字时间", "First words after"],
  figTextNote: ["近 5 分钟 95% 在 {time} 内", "95% within {time}, the last 5 minutes"],
  figTextNone: ["近 5 分钟没有提问", "no question within 5 minutes"],
  figToday: ["今天的问题", "Questions today"],
  figTodayNote: ["{n} token", "{n} tokens"],
  figPeople: ["今天的用户", "People today"],
  figPeopleNote: ["共认识 {n} 人", "{n} known in all"],

  line: ["队伍", "The line"],
  lineDesc: ["最近 30 分钟里在等待和正在回答的问题数", "Questions that wait and that are being answered, the last 30 minutes"],
  waiting: ["等待", "waiting"],
  answering: ["回答中", "being answered"],
  longest: ["最久 {time}", "longest {time}"],
  doors: ["谁在哪里等", "Who waits where"],
  speed: ["生成速度", "Speed"],
  speedDesc: ["最近 30 分钟每秒生成的 token", "Tokens written per second, the last 30 minutes"],
  tokensPerS: ["token/秒", "tokens/s"],
  firstText: ["多久看到第一个字", "Time to the first words"],
  firstTextDesc: ["最近 30 分钟里，聊天和网页上的人从提问到看到第一个字的秒数：一半人和 95% 的人；以及所有入口模型的第一个 token", "Seconds from the question to the first words that people in chats and on the page can read, the last 30 minutes: half of all, and 95%; and to the model's first token, at every door"],
  half: ["一半人（每分钟）", "half (of each minute)"],
  most: ["95% 的人（每分钟）", "95% (of each minute)"],
  firstToken: ["模型第一个 token（一半）", "first token of the model (half)"],
  unitSeconds: ["秒", "s"],
  steps: ["引擎的时间花在哪里", "Where the engine's time goes"],
  stepsDesc: ["最近 {time}里各部分所占的时间", "Shares of the last {time}"],
  stepsNone: ["引擎最近没有做事。", "The engine has had nothing to do lately."],
  vision: ["看图", "vision"],
  prefill: ["读题", "prefill"],
  decode: ["写答案", "decode"],
  sample: ["选词", "sampling"],
  schedule: ["调度", "scheduling"],
  pages: ["引擎的缓存页", "Pages of the engine"],
  pagesNone: ["模型在别的服务器上，看不到它的页。", "The model runs elsewhere; its pages are not ours to see."],
  used: ["使用中", "used"],
  cached: ["留作缓存", "kept"],
  free: ["空闲", "free"],
  engineState: ["引擎", "Engine"],
  state: ["状态", "State"],
  model: ["模型", "Model"],
  hits: ["题目 token 来自缓存", "Prompt tokens found again"],
  preemptions: ["让位次数", "Preemptions"],
  preemptionsHint: ["让位：缓存页或位置不够时，排在最后的问题先让出来，轮到它再接着算。", "Preemption: when pages or places run short, the last question in turn steps back and is taken up again later."],
  restarts: ["引擎重启", "Engine restarts"],
  pictures: ["看过的图", "Pictures encoded"],
  up_: ["就绪", "ready"],
  starting_: ["启动中", "starting"],
  restarting_: ["重启中", "restarting"],
  down_: ["停了", "down"],
  questions: ["各入口的问题（自启动）", "Questions by door, since the start"],
  questionsNone: ["启动以来还没有问题。", "No question since the start."],
  answered: ["已回答", "answered"],
  refused: ["被拒（额度、队伍满、图片）", "turned away (quota, full line, photo)"],
  ended: ["停止、过期、离开", "stopped, expired, gone"],
  failed: ["失败", "failed"],
  platforms: ["消息与限速", "Messages and rate limits"],
  platform: ["平台", "Platform"],
  sends: ["发送", "Sent"],
  edits: ["编辑", "Edits"],
  tooFast: ["429", "429"],
  faults: ["其他错误", "Other errors"],
  platformsNone: ["启动以来还没有发出消息。", "No message since the start."],
  memory: ["内存", "Memory"],
  memoryDesc: ["最近 30 分钟程序（连同引擎）占用的内存", "Memory of the program with its engine, the last 30 minutes"],
  program: ["程序", "program"],
  cardUse: ["显卡占用", "Use of the graphics cards"],
  cardUseDesc: ["最近 30 分钟显卡在计算的时间所占的百分比，多张卡取平均", "Percent of the time in which the graphics cards computed, the mean of them all, the last 30 minutes"],
  cardMemoryUse: ["显存", "Memory of the graphics cards"],
  cardMemoryUseDesc: ["最近 30 分钟所有显卡一共用掉的显存", "Memory used on all graphics cards together, the last 30 minutes"],
  busy: ["忙", "busy"],
  cards: ["显卡", "Graphics cards"],
  card: ["显卡 {n}：{name}", "Card {n}: {name}"],
  cardBusy: ["忙 {n}", "{n} busy"],
  cardMemory: ["显存 {used} / {all}", "{used} of {all}"],
  desk: ["人工客服", "Service desk"],
  deskNone: ["没有打开的工单。", "No open ticket."],
  withBot: ["由机器人接待", "with the bot"],
  waitingTickets: ["等人接手", "waiting for staff"],
  withStaff: ["由人工接待", "with staff"],
  since: ["已等 {time}", "for {time}"],
  letters: ["待发的信：{n}", "Letters to be sent: {n}"],
  control: ["开关与命令", "Control"],
  taking: ["正在接收问题。", "Questions are taken."],
  paused: ["不接收问题，{until}。", "No question is taken, {until}."],
  pausedUntil: ["到 {when}", "until {when}"],
  pausedOpen: ["直到有人恢复", "until somebody resumes"],
  pause: ["暂停", "Pause"],
  resume: ["恢复", "Resume"],
  reload: ["重读 config.toml", "Read config.toml again"],
  howLong: ["多久", "How long"],
  untilResumed: ["直到恢复", "until resumed"],
  words: ["告诉大家的话（可不写）", "What people read (may be empty)"],
  command: ["命令", "Command"],
  commandHint: ["和聊天里一样，例如 /quota telegram:12345 设为 50 个问题/天", "As in a chat: /quota telegram:12345 set 50 questions/day"],
  give: ["执行", "Give"],
  recentTroubles: ["最近的警告与错误", "Recent warnings and errors"],
  troublesNone: ["启动以来没有警告和错误。", "No warning and no error since the start."],
  all: ["全部记录", "All records"],

  table: ["表格", "Table"],
  time: ["时间", "Time"],

  search: ["按名字或编号查找", "Search by name or id"],
  searchButton: ["查找", "Search"],
  byRole: ["各角色的额度", "Limits of each role"],
  byRoleHint: ["对每个人都有效；给某个人单独设的额度优先。", "They hold for each person; what is set for one person goes first."],
  everybody: ["用户", "People"],
  nobody: ["没有找到。", "Nobody was found."],
  more: ["更多", "More"],
  noLimits: ["没有限额", "no limits"],
  today: ["今天：{questions} 个问题，{tokens} token", "today: {questions} questions, {tokens} tokens"],
  lastSeen: ["{time}前来过", "here {time} ago"],
  neverSeen: ["还没来过", "never here yet"],
  banned: ["已封禁", "banned"],
  bannedUntil: ["封禁到 {when}", "banned until {when}"],
  change: ["更改", "Change"],
  done: ["收起", "Done"],
  limit: ["额度", "Limit"],
  amount: ["数量", "Amount"],
  unit: ["单位", "Unit"],
  unitQuestions: ["问题", "questions"],
  countedQuestions: ["个问题", "questions"],
  unitTokens: ["token", "tokens"],
  period: ["周期", "Period"],
  day: ["天", "day"],
  month: ["月", "month"],
  perDay: ["每天 {n}", "{n} a day"],
  perMonth: ["每月 {n}", "{n} a month"],
  unlimited: ["不限", "unlimited"],
  usedOf: ["{used} / {allowed}", "{used} of {allowed}"],
  set: ["设定", "Set"],
  backToDefault: ["恢复默认", "Back to default"],
  extra: ["临时多给", "Give extra"],
  giveExtra: ["赠送", "Give"],
  startOver: ["用量清零", "Start over at 0"],
  role: ["角色", "Role"],
  role_guest: ["访客", "guest"],
  role_member: ["成员", "member"],
  role_staff: ["客服", "staff"],
  role_admin: ["管理员", "admin"],
  role_owner: ["所有者", "owner"],
  groups: ["每个群", "every group"],
  ban: ["封禁", "Ban"],
  unban: ["解封", "Unban"],
  forever: ["永久", "for good"],
  reason: ["原因（可不写）", "Reason (may be empty)"],
  minutes: ["{n} 分钟", "{n} min"],
  hours: ["{n} 小时", "{n} h"],
  days: ["{n} 天", "{n} d"],
  seconds: ["{n} 秒", "{n} s"],

  cases: ["内容安全的案件", "Cases of content safety"],
  casesHint: ["在“现况”的命令里写 /case 12 查看，/approve 12 放行，/reject 12 维持。", "Under “Now”, the command /case 12 shows one, /approve 12 lets it through, /reject 12 lets it stand."],
  audit: ["谁改了什么", "Who changed what"],
  auditNone: ["还没有改动。", "Nothing was changed yet."],
  who: ["谁", "Who"],
  what: ["命令", "Order"],
  outcome: ["结果", "Outcome"],
  refresh: ["刷新", "Refresh"],
};

const DOORS = { web: ["网页", "Web page"], api: ["API", "API"], telegram: ["Telegram", "Telegram"], matrix: ["Matrix", "Matrix"] };

let language = "zh";

export function currentLanguage() {
  return language;
}

export function chooseLanguage(wanted) {
  language = wanted === "zh" ? "zh" : "en";
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = `visionbot · ${text("title")}`;
  for (const one of document.querySelectorAll("[data-text]")) one.textContent = text(one.dataset.text);
  for (const one of document.querySelectorAll("[data-label]")) one.setAttribute("aria-label", text(one.dataset.label));
  for (const one of document.querySelectorAll("[data-language]")) {
    one.setAttribute("aria-pressed", String(one.dataset.language === language));
  }
}

export function text(key, values = {}) {
  const words = TEXTS[key][language === "zh" ? 0 : 1];
  return words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export function doorName(door) {
  return door in DOORS ? DOORS[door][language === "zh" ? 0 : 1] : door;
}

export function number(value, digits = 0) {
  return new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(value);
}

// 12 345 678 as people say it in a narrow place.
export function about(value) {
  const options = { notation: "compact", maximumFractionDigits: 1 };
  return new Intl.NumberFormat(locale(), options).format(value);
}

export function share(value) {
  return new Intl.NumberFormat(locale(), { style: "percent", maximumFractionDigits: 0 }).format(value);
}

// Short: seconds below a minute, then the two largest units.
export function duration(seconds) {
  if (seconds < 9.95) return text("seconds", { n: number(seconds, 1) });
  if (seconds < 60) return text("seconds", { n: number(seconds) });
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return text("minutes", { n: minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${text("hours", { n: hours })} ${text("minutes", { n: minutes % 60 })}`;
  return `${text("days", { n: Math.floor(hours / 24) })} ${text("hours", { n: hours % 24 })}`;
}

export function megabytes(bytes) {
  return bytes >= 2 ** 30 ? `${number(bytes / 2 ** 30, 1)} GB` : `${number(bytes / 2 ** 20)} MB`;
}

export function clock(at) {
  return new Date(at * 1000).toLocaleTimeString(locale(), { hour: "2-digit", minute: "2-digit", hour12: false });
}

export function dateAndTime(at) {
  const options = { month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false };
  return new Date(at * 1000).toLocaleString(locale(), options);
}

function locale() {
  return language === "zh" ? "zh-CN" : "en-GB";
}
