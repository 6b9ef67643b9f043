// Every word of the page, in both languages.

const TEXTS = {
  zh: {
    title: "visionbot · 看图问答",
    skip: "跳到提问框",
    language: "语言",
    newTalk: "新对话",
    earlier: "显示之前的对话",
    messages: "对话",
    emptyTitle: "给我看一张照片",
    askTitle: "想知道什么？",
    emptyText: "放一张照片，问一个问题，看着回答一字一字写出来。",
    emptyHint: "也可以把照片拖到这里，或者直接粘贴。",
    choose: "选择照片",
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
    you: "你：",
    bot: "回答：",
    writing: "正在回答",
    sending: "正在发送…",
    retrying: "没有连上，正在重试…",
    newTalkHere: "新对话",
    offline: "连接断开了，正在重新连接…",
    online: "已重新连接",
    needQuestion: "请写下问题，或者放一张照片。",
    tooManyPhotos: "一次最多放 {limit} 张照片。",
    notPictures: "这里只能放照片。",
    unreachable: "没能联系上程序，请看看它是不是还在运行，然后再试一次。",
  },
  en: {
    title: "visionbot · ask about a photo",
    skip: "Skip to the question",
    language: "Language",
    newTalk: "New talk",
    earlier: "Show earlier messages",
    messages: "Conversation",
    emptyTitle: "Show me a photo",
    askTitle: "What would you like to know?",
    emptyText: "Add a photo, ask a question, and watch the answer being written.",
    emptyHint: "You can also drop photos here, or paste them.",
    choose: "Choose a photo",
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
    you: "You: ",
    bot: "Answer: ",
    writing: "Writing the answer",
    sending: "Sending…",
    retrying: "No connection, trying again…",
    newTalkHere: "New talk",
    offline: "The connection was lost. Reconnecting…",
    online: "Connected again",
    needQuestion: "Please write a question or add a photo.",
    tooManyPhotos: "At most {limit} photos at a time.",
    notPictures: "Only photos can be added here.",
    unreachable: "The program could not be reached. See whether it is running, then try again.",
  },
};

const KEPT = "visionbot.language";

let language = remembered() ?? preferred();

export function currentLanguage() {
  return language;
}

export function text(key, numbers = {}) {
  return TEXTS[language][key].replace(/\{(\w+)\}/g, (_, name) => numbers[name]);
}

export function setLanguage(wish) {
  language = wish;
  try {
    localStorage.setItem(KEPT, wish);
  } catch {
    // Storage may be forbidden; then the choice lasts until the page is closed.
  }
}

// Writes every fixed word into the page.
export function fillTexts(root) {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = text("title");
  for (const node of root.querySelectorAll("[data-text]")) node.textContent = text(node.dataset.text);
  for (const node of root.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", text(node.dataset.label));
    if (node.matches("button")) node.title = text(node.dataset.label);
  }
}

function remembered() {
  try {
    const kept = localStorage.getItem(KEPT);
    return kept in TEXTS ? kept : null;
  } catch {
    return null;
  }
}

function preferred() {
  const tags = navigator.languages?.length ? navigator.languages : [navigator.language ?? ""];
  for (const tag of tags) {
    const name = tag.slice(0, 2).toLowerCase();
    if (name in TEXTS) return name;
  }
  return "en";
}
