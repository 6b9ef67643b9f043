// Every word of the page, in both languages.

import { keep, recall } from "./kept.js";

const TEXTS = {
  zh: {
    title: "visionbot · 看图问答",
    skip: "跳到提问框",
    language: "语言",
    newTalk: "新对话",
    history: "历史",
    backToTalk: "返回对话",
    settings: "设置",
    admin: "管理",
    signOut: "退出登录",
    earlier: "显示之前的对话",
    messages: "对话",
    emptyTitle: "给我看一张照片",
    askTitle: "想知道什么？",
    emptyText: "放一张照片，问一个问题，看着回答一字一字写出来。",
    emptyHint: "也可以把照片拖到这里，或者直接粘贴。",
    choose: "选择照片",
    takePhoto: "拍照",
    tryAsking: "可以这样问",
    example1: "图里有什么？",
    example2: "圆形是什么颜色？",
    example3: "有几个图形？",
    addPhoto: "照片",
    chosenPhotos: "已选照片",
    question: "问题",
    placeholder: "问问这张照片…",
    placeholderFirst: "放一张照片，然后提问…",
    placeholderMore: "接着问，或换一张照片…",
    ask: "提问",
    stop: "停止",
    newest: "回到最新",
    dismiss: "关闭提示",
    close: "关闭",
    mayErr: "回答可能有误，重要的事请自己核对。",
    keys: "Enter 发送，Shift+Enter 换行",
    dropHere: "松手放下照片",
    photo: "照片",
    photoNumber: "照片 {number}",
    aboutPhoto: "第 {number} 张照片已去掉：{sentence}",
    openPhoto: "放大照片 {number}",
    removePhoto: "去掉照片 {number}",
    movePhoto: "把照片 {number} 往前移",
    photoMoved: "已移到第 {number} 位",
    photoAlone: "（只有照片）",
    you: "你：",
    bot: "回答：",
    writing: "正在回答",
    sending: "正在发送…",
    retrying: "没有连上，正在重试…",
    takeBack: "不发了",
    newTalkHere: "新对话",
    offline: "连接断开了，正在重新连接…",
    online: "已重新连接",
    needQuestion: "请写下问题，或者放一张照片。",
    tooManyPhotos: "一次最多放 {limit} 张照片。",
    notPictures: "这里只能放照片。",
    unreachable: "没能联系上程序，请看看它是不是还在运行，然后再试一次。",
    tools: "对这条回答",
    copy: "复制",
    copyAnswer: "复制回答",
    copyCode: "复制代码",
    copied: "已复制",
    notCopied: "没能复制，请选中文字后自己复制。",
    code: "代码",
    table: "表格",
    again: "再答一次",
    up: "有帮助",
    down: "没帮助",
    thumbTaken: "谢谢，记下了。",
    panelTitle: "回答的写法",
    panelText: "这些只影响你自己，保存在这个浏览器里。",
    temperature: "温度",
    temperatureText: "低：稳妥，每次差不多。高：更有变化，也更容易出错。",
    topP: "top-p",
    topPText: "写每个字时考虑多大范围的候选。小：只用最可能的。1：全部。",
    maxTokens: "最长回答",
    maxTokensText: "回答最多写多少个 token，一个 token 大约是一个汉字。写到这里就停。",
    usual: "默认 {usual}",
    isUsual: "默认",
    reset: "恢复默认",
    wereReset: "已恢复默认",
    ownData: "你的数据",
    ownDataText: "这里保存了你的问题、回答和照片。你可以下载一份，或者全部删除。",
    downloadData: "下载我的数据",
    askPrivacy: "保存什么、多久",
    forgetMe: "全部删除",
    forgetTitle: "忘记我？",
    forgetText: "问题、回答、照片、设置和身份都会删除，正在写的回答会停下，无法恢复。会留下的：还有效的封禁；用量和操作记录，名字换成哈希值（用量的 32 天后去掉）；工单的编号、时间和评分。",
    historyTitle: "历史",
    searchWords: "搜索问题和回答",
    fromDay: "从",
    toDay: "到",
    clearFilter: "清除条件",
    more: "显示更早的",
    csv: "导出 CSV",
    deleteAll: "全部删除",
    deleteAllTitle: "删除全部历史？",
    deleteAllText: "所有问题、回答和照片都会删除，无法恢复。",
    deleteThis: "删除这一条？",
    delete: "删除",
    deleted: "已删除",
    no: "不删",
    askAgain: "再问一次",
    found: "{count} 条",
    nothingFound: "没有找到。换个词，或者放宽日期试试。",
    historyEmpty: "还没有问过问题。问过的都会出现在这里。",
    today: "今天",
    yesterday: "昨天",
    signInTitle: "请登录",
    signInText: "输入管理员给你的访问码。",
    accessCode: "访问码",
    signIn: "登录",
    locked: "{seconds} 秒后可以再试",
    retryMe: "再试一次",
    draftKept: "写了一半的问题还在，登录后接着写。",
    leaveTitle: "退出登录？",
    leaveText: "退出后，这个浏览器找不回现在的历史，再登录会从头开始。想留一份，请先导出 CSV；不想留在这里，请先全部删除。",
    stay: "先不退出",
  },
  en: {
    title: "visionbot · ask about a photo",
    skip: "Skip to the question",
    language: "Language",
    newTalk: "New talk",
    history: "History",
    backToTalk: "Back to the talk",
    settings: "Settings",
    admin: "Admin",
    signOut: "Sign out",
    earlier: "Show earlier messages",
    messages: "Conversation",
    emptyTitle: "Show me a photo",
    askTitle: "What would you like to know?",
    emptyText: "Add a photo, ask a question, and watch the answer being written.",
    emptyHint: "You can also drop photos here, or paste them.",
    choose: "Choose a photo",
    takePhoto: "Camera",
    tryAsking: "Try asking",
    example1: "What is in the picture?",
    example2: "What colour is the circle?",
    example3: "How many shapes are there?",
    addPhoto: "Photo",
    chosenPhotos: "Chosen photos",
    question: "Question",
    placeholder: "Ask about this photo…",
    placeholderFirst: "Add a photo, then ask…",
    placeholderMore: "Ask on, or add another photo…",
    ask: "Ask",
    stop: "Stop",
    newest: "Go to the newest message",
    dismiss: "Dismiss",
    close: "Close",
    mayErr: "Answers can be wrong; check what matters.",
    keys: "Enter sends, Shift+Enter starts a new line",
    dropHere: "Drop the photo here",
    photo: "Photo",
    photoNumber: "Photo {number}",
    aboutPhoto: "Photo {number} was removed: {sentence}",
    openPhoto: "Enlarge photo {number}",
    removePhoto: "Remove photo {number}",
    movePhoto: "Move photo {number} forward",
    photoMoved: "Moved to place {number}",
    photoAlone: "(a photo alone)",
    you: "You: ",
    bot: "Answer: ",
    writing: "Writing the answer",
    sending: "Sending…",
    retrying: "No connection, trying again…",
    takeBack: "Take back",
    newTalkHere: "New talk",
    offline: "The connection was lost. Reconnecting…",
    online: "Connected again",
    needQuestion: "Please write a question or add a photo.",
    tooManyPhotos: "At most {limit} photos at a time.",
    notPictures: "Only photos can be added here.",
    unreachable: "The program could not be reached. See whether it is running, then try again.",
    tools: "About this answer",
    copy: "Copy",
    copyAnswer: "Copy the answer",
    copyCode: "Copy the code",
    copied: "Copied",
    notCopied: "It could not be copied. Please select the text and copy it yourself.",
    code: "Code",
    table: "Table",
    again: "Answer again",
    up: "Helpful",
    down: "Not helpful",
    thumbTaken: "Thank you, noted.",
    panelTitle: "How answers are written",
    panelText: "Only for you, kept in this browser.",
    temperature: "Temperature",
    temperatureText: "Low: careful, much the same each time. High: more varied, and wrong more often.",
    topP: "Top-p",
    topPText: "How wide the choice is for each word. Small: only the likeliest ones. 1: all of them.",
    maxTokens: "Longest answer",
    maxTokensText: "In tokens; one is about four letters of English. The answer stops there.",
    usual: "usually {usual}",
    isUsual: "as usual",
    reset: "Reset",
    wereReset: "All is as usual again",
    ownData: "Your data",
    ownDataText: "Your questions, answers and photos are kept here. You can download a copy, or delete all of it.",
    downloadData: "Download my data",
    askPrivacy: "What is kept, how long",
    forgetMe: "Delete it all",
    forgetTitle: "Forget me?",
    forgetText: "Questions, answers, photos, settings and roles are deleted, and answers being written stop. This cannot be undone. What stays: a ban that still holds; what you used and what was ordered, under a hash instead of your name (with what you used for 32 days); number, times and score of tickets.",
    historyTitle: "History",
    searchWords: "Search questions and answers",
    fromDay: "From",
    toDay: "To",
    clearFilter: "Clear the filter",
    more: "Show earlier ones",
    csv: "Export CSV",
    deleteAll: "Delete all",
    deleteAllTitle: "Delete the whole history?",
    deleteAllText: "All questions, answers and photos will be deleted. This cannot be undone.",
    deleteThis: "Delete this one?",
    delete: "Delete",
    deleted: "Deleted",
    no: "Keep",
    askAgain: "Ask again",
    found: "{count} found",
    nothingFound: "Nothing was found. Try another word or other days.",
    historyEmpty: "Nothing was asked yet. Whatever you ask will be kept here.",
    today: "Today",
    yesterday: "Yesterday",
    signInTitle: "Please sign in",
    signInText: "Enter the access code that your administrator gave you.",
    accessCode: "Access code",
    signIn: "Sign in",
    locked: "Again in {seconds} s",
    retryMe: "Try again",
    draftKept: "What you were writing is still here; go on once you are signed in.",
    leaveTitle: "Sign out?",
    leaveText: "This browser will not find your history again: the next sign-in starts anew. To keep a copy, export the CSV first; to leave nothing here, delete it all first.",
    stay: "Stay",
  },
};

const KEPT = "language";

let language = remembered() ?? preferred();

export function currentLanguage() {
  return language;
}

export function text(key, values = {}) {
  return TEXTS[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export function setLanguage(wish) {
  language = wish;
  keep(KEPT, wish);
}

// Writes every fixed word into the page.
export function fillTexts(root) {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = text("title");
  for (const node of root.querySelectorAll("[data-text]")) node.textContent = text(node.dataset.text);
  for (const node of root.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", text(node.dataset.label));
    if (node.matches("button, a")) node.title = text(node.dataset.label);
  }
  for (const node of root.querySelectorAll("[data-hint]")) node.placeholder = text(node.dataset.hint);
}

// When something was said: the clock alone where it was today; nothing for 0.
export function showMoment(node, at) {
  node.hidden = !at;
  if (!at) return;
  const moment = new Date(at * 1000);
  const day = isOn(moment, 0) ? {} : { month: "short", day: "numeric" };
  node.dateTime = moment.toISOString();
  node.textContent = moment.toLocaleString(locale(), { ...day, hour: "2-digit", minute: "2-digit" });
  node.title = moment.toLocaleString(locale());
}

export function showClock(at) {
  return new Date(at * 1000).toLocaleTimeString(locale(), { hour: "2-digit", minute: "2-digit" });
}

export function dayOf(at) {
  const moment = new Date(at * 1000);
  if (isOn(moment, 0)) return text("today");
  if (isOn(moment, 1)) return text("yesterday");
  const isThisYear = moment.getFullYear() === new Date().getFullYear();
  const year = isThisYear ? {} : { year: "numeric" };
  return moment.toLocaleDateString(locale(), { ...year, month: "long", day: "numeric", weekday: "short" });
}

function isOn(moment, daysAgo) {
  const day = new Date();
  day.setDate(day.getDate() - daysAgo);
  return moment.toDateString() === day.toDateString();
}

function locale() {
  return language === "zh" ? "zh-CN" : "en-GB";
}

function remembered() {
  const kept = recall(KEPT);
  return kept !== null && Object.hasOwn(TEXTS, kept) ? kept : null;
}

function preferred() {
  const tags = navigator.languages?.length ? navigator.languages : [navigator.language ?? ""];
  for (const tag of tags) {
    const name = tag.slice(0, 2).toLowerCase();
    if (Object.hasOwn(TEXTS, name)) return name;
  }
  return "en";
}
