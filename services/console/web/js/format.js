// Numbers and times as people read them: the service's time zone, figures that do not jump.
import { current, locale, t } from './i18n.js';

let zone = 'Asia/Shanghai';
const formats = new Map();

export const timeZone = () => zone;
export function setTimeZone(name) {
  if (!name || name === zone) return;
  zone = name;
  formats.clear();
}

function format(name, make) {
  const key = `${name}|${locale()}`;
  if (!formats.has(key)) formats.set(key, make());
  return formats.get(key);
}

const times = (name, options) => (value) => {
  const date = value instanceof Date ? value : new Date(value);
  if (Number.isNaN(date.getTime())) return '–';
  const made = format(name, () => new Intl.DateTimeFormat('en-CA', { timeZone: zone, hourCycle: 'h23', ...options }));
  return made.format(date).replace(', ', ' ');
};

const part2 = { hour: '2-digit', minute: '2-digit' };
const day = { year: 'numeric', month: '2-digit', day: '2-digit' };
export const clockTime = times('clock', { ...part2, second: '2-digit' });
export const minuteTime = times('minute', part2);
export const dayOnly = times('day', day);
export const monthDay = times('monthDay', { month: '2-digit', day: '2-digit' });
export const fullTime = times('full', { ...day, ...part2, second: '2-digit' });

/** The time of day for today, else with its date. */
export function shortTime(value, now) {
  if (dayOnly(value) === dayOnly(now)) return clockTime(value);
  const year = String(dayOnly(now)).slice(0, 4);
  const date = dayOnly(value);
  return date.startsWith(year) ? `${date.slice(5)} ${minuteTime(value)}` : `${date} ${minuteTime(value)}`;
}

/** Whole numbers, grouped; long ones shortened (1.2万, 12k). */
export function count(value) {
  if (value === null || value === undefined) return '–';
  if (Math.abs(value) < 100000) return format('count', () => new Intl.NumberFormat(locale())).format(value);
  return format('compact', () => new Intl.NumberFormat(locale(), { notation: 'compact', maximumFractionDigits: 1 }))
    .format(value);
}

export const exact = (value) => format('count', () => new Intl.NumberFormat(locale())).format(value);

export function percent(share, digits = 1) {
  return share === null || share === undefined ? '–' : `${(share * 100).toFixed(digits)}%`;
}

export function decimal(value, digits = 1) {
  return value === null || value === undefined ? '–' : value.toFixed(digits).replace('-', '−');
}

const two = (n) => String(n).padStart(2, '0');

/** A span of time as a running clock shows it: 12:05, 1:02:05. */
export function clockSpan(milliseconds) {
  const seconds = Math.floor(Math.abs(milliseconds) / 1000);
  const hours = Math.floor(seconds / 3600);
  const rest = `${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`;
  if (hours >= 48) return t('time.days', { n: Math.floor(hours / 24) });
  return hours ? `${hours}:${rest}` : rest;
}

/** A span of time in words: 850 毫秒, 3.2 秒, 4 分 05 秒. */
export function span(milliseconds) {
  const ms = Math.max(0, milliseconds);
  if (ms < 1000) return t('time.ms', { n: Math.round(ms) });
  if (ms < 60000) return t('time.s', { n: (ms / 1000).toFixed(1) });
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return t('time.m', { m: Math.floor(seconds / 60), s: two(seconds % 60) });
  if (seconds < 48 * 3600) return t('time.h', { h: Math.floor(seconds / 3600), m: two(Math.floor((seconds % 3600) / 60)) });
  return t('time.days', { n: Math.floor(seconds / 86400) });
}

/** How long ago, for a glance. */
export function ago(value, now) {
  const seconds = Math.max(0, Math.floor((now - new Date(value).getTime()) / 1000));
  if (seconds < 5) return t('time.now');
  if (seconds < 60) return t('time.secondsAgo', { n: seconds });
  if (seconds < 3600) return t('time.minutesAgo', { n: Math.floor(seconds / 60) });
  if (seconds < 86400) return t('time.hoursAgo', { n: Math.floor(seconds / 3600) });
  return current() === 'en' ? dayOnly(value) : shortTime(value, now);
}
