// Every word on the page comes from one of two tables that have the same keys.
import zh from './text_zh.js';
import en from './text_en.js';

const tables = { zh, en };
const KEY = 'wensheng';

export function kept() {
  try { return JSON.parse(localStorage.getItem(KEY) || '{}') || {}; } catch { return {}; }
}

/** Remembers a choice of this browser. Private windows may refuse; the choice then lasts as long as the page. */
export function keep(choice) {
  try { localStorage.setItem(KEY, JSON.stringify({ ...kept(), ...choice })); } catch { /* see above */ }
}

let language = kept().language === 'en' ? 'en' : 'zh';

export const current = () => language;
export const locale = () => (language === 'en' ? 'en-GB' : 'zh-CN');

export function setLanguage(next) {
  language = next === 'en' ? 'en' : 'zh';
  document.documentElement.lang = language === 'en' ? 'en' : 'zh-CN';
  keep({ language });
}

/** The text of `key`, with `{name}` filled in. */
export function t(key, values) {
  const text = tables[language][key];
  if (text === undefined) return key;
  return values ? text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '') : text;
}

/** The text of `key` if there is one. */
export const known = (key) => tables[language][key];
