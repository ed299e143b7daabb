// Small parts that the views share.
import { Component, html, useEffect, useRef, useState } from './dom.js';
import { t } from './i18n.js';
import { channelName, labelName, severityName, topicName } from './names.js';

/** Reads something and keeps it; reads again by `reload`. The last good answer stays while a later read fails. */
export function useRead(read, inputs) {
  const [state, set] = useState({ data: null, error: null, busy: true });
  const turn = useRef(0);
  const reader = useRef(read);
  reader.current = read;
  const reload = () => {
    const mine = ++turn.current;
    return reader.current().then(
      (data) => { if (mine === turn.current) set({ data, error: null, busy: false }); },
      (error) => { if (mine === turn.current) set((before) => ({ ...before, error, busy: false })); },
    );
  };
  useEffect(() => {
    set((before) => ({ ...before, busy: true }));
    reload();
    return () => { turn.current += 1; };
  }, inputs);
  return { ...state, reload, replace: (change) => set((before) => ({ ...before, data: change(before.data) })) };
}

/** Runs `act` at most once in `every` milliseconds, the last call surely. */
export function useThrottle(act, every) {
  const state = useRef({ last: 0, timer: null });
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => () => clearTimeout(state.current.timer), []);
  return () => {
    const mine = state.current;
    if (mine.timer) return;
    const wait = Math.max(0, mine.last + every - Date.now());
    mine.timer = setTimeout(() => { mine.timer = null; mine.last = Date.now(); latest.current(); }, wait);
  };
}

export function errorText(error) {
  if (error.status === 0) return t('error.network');
  if (error.status >= 500) return t('error.store');
  return t('error.other', { detail: error.message });
}

export const Failure = ({ error, retry }) => html`
  <div class="failure" role="alert">
    <span>${errorText(error)}</span>
    ${retry && html`<button class="button small" onClick=${retry}>${t('error.retry')}</button>`}
  </div>`;

/** A view that fails says so, and leaves the rest of the page as it is. */
export class Boundary extends Component {
  componentDidCatch(error) {
    console.error(error);
    this.setState({ error });
  }

  render({ children }, { error }) {
    if (!error) return children;
    return html`<${Failure} error=${{ status: 400, message: error.message }} retry=${() => this.setState({ error: null })} />`;
  }
}

export const Empty = ({ title, hint }) => html`
  <div class="empty"><p class="empty-title">${title}</p>${hint && html`<p>${hint}</p>`}</div>`;

export const Loading = ({ rows = 4 }) => html`
  <div class="skeleton" role="status" aria-label=${t('loading')}>
    ${Array.from({ length: rows }, (_, i) => html`<div class="bone" style=${{ width: `${92 - (i % 3) * 14}%` }}></div>`)}
  </div>`;

/** One of a few choices. Arrow keys move, as in any group of radio buttons. */
export const Segmented = ({ label, value, options, onChange }) => html`
  <div class="segmented" role="radiogroup" aria-label=${label} onKeyDown=${(event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = options.findIndex(([name]) => name === value);
    const next = (at + step + options.length) % options.length;
    onChange(options[next][0]);
    event.currentTarget.children[next].focus();
  }}>
    ${options.map(([name, text]) => html`
      <button type="button" role="radio" key=${name} aria-checked=${String(name === value)}
        tabindex=${name === value ? 0 : -1} onClick=${() => onChange(name)}>${text}</button>`)}
  </div>`;

export const Select = ({ label, value, options, onChange }) => html`
  <label class="select"><span class="sr">${label}</span>
    <select value=${value} onChange=${(event) => onChange(event.currentTarget.value)}>
      ${options.map(([name, text]) => html`<option key=${name} value=${name} selected=${name === value}>${text}</option>`)}
    </select>
  </label>`;

export const Panel = ({ title, hint, aside, children, className = '' }) => html`
  <section class=${`panel ${className}`}>
    <header class="panel-head"><h2 title=${hint}>${title}</h2>${aside}</header>
    ${children}
  </section>`;

export const Channel = ({ name }) => html`<span class=${`channel c-${name}`}>${channelName(name)}</span>`;
export const Severity = ({ name }) => html`<span class=${`severity s-${name}`}>${severityName(name)}</span>`;
export const Label = ({ name, score }) => html`
  <span class=${`label l-${name}`}>${labelName(name)}${score !== undefined && html` <b>${score > 0 ? '+' : ''}${score.toFixed(2).replace('-', '−')}</b>`}</span>`;
export const Topic = ({ name, polarity }) => html`<span class=${`chip ${polarity ? `p-${polarity}` : ''}`}>${topicName(name)}</span>`;

/** Shares of sentiment as one bar; its words are for those who do not see it. */
export function Shares({ counts }) {
  const total = Math.max(1, counts.volume);
  const parts = ['negative', 'neutral', 'positive'].filter((name) => counts[name] > 0);
  const text = parts.map((name) => `${labelName(name)} ${Math.round((100 * counts[name]) / total)}%`).join(' · ');
  return html`<div class="shares" role="img" aria-label=${text} title=${text}>
    ${parts.map((name) => html`<i key=${name} class=${`b-${name}`} style=${{ flexGrow: counts[name] }}></i>`)}
  </div>`;
}

/** The words of a text with the spans that made its verdict. Spans count characters, not UTF-16 units. */
export function Highlighted({ text, spans = [] }) {
  const characters = Array.from(text);
  const sorted = [...spans].sort((a, b) => a.start - b.start);
  const out = [];
  let at = 0;
  for (const span of sorted) {
    if (span.start < at || span.end > characters.length || span.end <= span.start) continue;
    out.push(characters.slice(at, span.start).join(''));
    out.push(html`<mark class=${span.weight < 0 ? 'm-negative' : 'm-positive'} title=${`${span.weight > 0 ? '+' : ''}${span.weight.toFixed(2)}`}>${characters.slice(span.start, span.end).join('')}</mark>`);
    at = span.end;
  }
  out.push(characters.slice(at).join(''));
  return html`<p class="words">${out}</p>`;
}

/** Words for a moment, read out by screen readers. */
export function Notice({ text, tone = 'plain' }) {
  return html`<p class=${`notice n-${tone}`} role="status" aria-live="polite">${text}</p>`;
}
