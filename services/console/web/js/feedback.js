// What customers say, newest first. New voices come in on top; readers further down are not pushed about.
import { html, useEffect, useRef, useState } from './dom.js';
import { get, newKey, post } from './api.js';
import { useNow } from './clock.js';
import { ago, fullTime } from './format.js';
import { t } from './i18n.js';
import { useEvent } from './live.js';
import { CHANNELS, channelName, emotionName, intentName, labelName, stageName, topicName, urgencyName } from './names.js';
import { Channel, Empty, Failure, Highlighted, Label, Loading, Segmented, Select, Topic, useRead } from './parts.js';

const PAGE = 50;
/** Rows kept on the page; older ones can be loaded again. */
const MOST = 500;

function fits(row, { brand, channel, label, topic, text }) {
  const { feedback } = row;
  return (!brand || feedback.brand === brand) && (!channel || feedback.channel === channel) && (!label || row.sentiment.label === label)
    && (!topic || (row.topics ?? []).includes(topic)) && (!text || feedback.text.includes(text));
}

const before = (a, b) => (a.feedback.occurred_at < b.feedback.occurred_at ? 1 : a.feedback.occurred_at > b.feedback.occurred_at ? -1 : 0);

/** Rows with `fresh` put in; the same id replaces. */
function merged(rows, fresh) {
  const ids = new Set(fresh.map((row) => row.feedback.id));
  return [...fresh, ...rows.filter((row) => !ids.has(row.feedback.id))].sort(before).slice(0, MOST);
}

function Scores({ scores }) {
  const given = Object.entries(scores ?? {}).filter(([, value]) => value !== null && value !== undefined);
  return given.map(([name, value]) => html`<span key=${name} class="chip score">${name.toUpperCase()} <b>${value}</b></span>`);
}

const LABELS = ['negative', 'neutral', 'positive'];

/** What the reader says it is, where that is not what was understood. */
function Correct({ row }) {
  const [step, setStep] = useState(null);
  const key = useRef(newKey());
  const send = (label) => {
    if (!label) return;
    setStep({ name: 'sending' });
    post(`/feedback/${row.feedback.id}/correction`, { label }, key.current).then(
      () => { key.current = newKey(); setStep({ name: 'done', label }); },
      (error) => setStep({ name: 'failed', error }),
    );
  };
  if (step?.name === 'done') return html`<span class="chip" role="status">${t('feedback.corrected', { label: labelName(step.label) })}</span>`;
  return html`
    ${step?.name === 'failed' && html`<${Failure} error=${step.error} />`}
    <select class="link correct" aria-label=${t('feedback.correct')} value="" disabled=${step?.name === 'sending'} onChange=${(event) => send(event.currentTarget.value)}>
      <option value="">${t('feedback.correct')}</option>
      ${LABELS.filter((name) => name !== row.sentiment.label).map((name) => html`<option key=${name} value=${name}>${labelName(name)}</option>`)}
    </select>`;
}

function Voice({ row, now, me }) {
  const { feedback, sentiment } = row;
  const named = new Set((row.aspects ?? []).map((aspect) => aspect.aspect));
  const aspects = [...new Map((row.aspects ?? []).map((aspect) => [aspect.aspect, aspect])).values()];
  return html`
    <li class=${`voice e-${sentiment.label}`}>
      <div class="meta">
        <${Channel} name=${feedback.channel} /><b>${feedback.brand}</b>${feedback.product && html`<span>${feedback.product}</span>`}${feedback.store && html`<span>${feedback.store}</span>`}${feedback.region && html`<span>${feedback.region}</span>`}
        <time datetime=${feedback.occurred_at} title=${fullTime(feedback.occurred_at)}>${ago(feedback.occurred_at, now)}</time>
        ${feedback.drill && html`<span class="drill">${t('feedback.drill')}</span>`}
        <span class="grow"></span>
        <${Label} name=${sentiment.label} score=${sentiment.score} />
      </div>
      <${Highlighted} text=${feedback.text} spans=${sentiment.spans} />
      <div class="chips">
        ${(row.rules ?? []).map((hit) => html`<span key=${`r${hit.rule}`} class=${`chip rule s-${hit.severity}`} title=${hit.terms.join('、')}>${hit.name}</span>`)}
        ${(row.intents ?? []).map((name) => html`<span key=${`i${name}`} class="chip intent">${intentName(name)}</span>`)}
        ${row.urgency > 0 && html`<span key="urgency" class=${`chip urgency u-${row.urgency}`}>${urgencyName(row.urgency)}</span>`}
        ${row.emotion && row.emotion !== 'neutral' && html`<span key="emotion" class="chip">${emotionName(row.emotion)}</span>`}
        ${row.stage && html`<span key="stage" class="chip">${stageName(row.stage)}</span>`}
        ${aspects.map((aspect) => html`<${Topic} key=${`a${aspect.aspect}`} name=${aspect.aspect} polarity=${aspect.polarity} />`)}
        ${(row.topics ?? []).filter((name) => !named.has(name)).map((name) => html`<${Topic} key=${`t${name}`} name=${name} />`)}
        <${Scores} scores=${feedback.scores} />
        ${(row.keywords ?? []).slice(0, 6).map((keyword) => html`<span key=${`k${keyword.term}`} class="chip keyword">${keyword.term}</span>`)}
        ${/^https?:/.test(feedback.url ?? '') && html`<a class="link" href=${feedback.url} target="_blank" rel="noopener noreferrer">${t('feedback.original')}</a>`}
        ${me.may_act && html`<${Correct} key="correct" row=${row} />`}
      </div>
    </li>`;
}

export function Feedback({ me, brand, topics }) {
  const now = useNow();
  const [filter, setFilter] = useState({ channel: '', label: '', topic: '', text: '' });
  const [typed, setTyped] = useState('');
  const [held, setHeld] = useState([]);
  const [more, setMore] = useState({ busy: false, error: null });
  const query = { ...filter, brand };
  const inputs = [brand, filter.channel, filter.label, filter.topic, filter.text];
  const list = useRead(() => get('/feedback', { ...query, limit: PAGE }), inputs);
  const latest = useRef();
  latest.current = { query, list };
  useEffect(() => setHeld([]), inputs);
  useEffect(() => {
    const timer = setTimeout(() => setFilter((now) => (now.text === typed.trim() ? now : { ...now, text: typed.trim() })), 300);
    return () => clearTimeout(timer);
  }, [typed]);
  useEvent('feedback', ({ rows }) => {
    const fresh = rows.filter((row) => fits(row, latest.current.query));
    if (!fresh.length) return;
    if (window.scrollY < 120) latest.current.list.replace((data) => data && { ...data, rows: merged(data.rows, fresh) });
    else setHeld((kept) => merged(kept, fresh));
  });
  useEvent('reload', () => latest.current.list.reload());
  const show = () => {
    list.replace((data) => data && { ...data, rows: merged(data.rows, held) });
    setHeld([]);
    window.scrollTo({ top: 0 });
  };
  const next = () => {
    setMore({ busy: true, error: null });
    get('/feedback', { ...query, limit: PAGE, after: list.data.next }).then(
      (page) => { list.replace((data) => ({ next: page.next, rows: [...data.rows, ...page.rows.filter((row) => !data.rows.some((had) => had.feedback.id === row.feedback.id))] })); setMore({ busy: false, error: null }); },
      (error) => setMore({ busy: false, error }),
    );
  };
  const change = (name) => (value) => setFilter((before) => ({ ...before, [name]: value }));
  const filtered = filter.channel || filter.label || filter.topic || filter.text;
  const clear = () => { setTyped(''); setFilter({ channel: '', label: '', topic: '', text: '' }); };
  const rows = list.data?.rows;
  return html`
    <div class="controls" role="search" aria-label=${t('feedback.filters')}>
      <h1>${t('nav.feedback')}${brand && html`<small>${brand}</small>`}</h1>
      <${Segmented} label=${t('feedback.sentiment')} value=${filter.label} onChange=${change('label')} options=${[['', t('feedback.any')], ...['negative', 'neutral', 'positive'].map((name) => [name, labelName(name)])]} />
      <${Select} label=${t('feedback.channel')} value=${filter.channel} onChange=${change('channel')} options=${[['', t('feedback.channel')], ...CHANNELS.map((name) => [name, channelName(name)])]} />
      <${Select} label=${t('feedback.topic')} value=${filter.topic} onChange=${change('topic')} options=${[['', t('feedback.topic')], ...topics.map((name) => [name, topicName(name)])]} />
      <input class="search" type="search" value=${typed} onInput=${(event) => setTyped(event.currentTarget.value)} placeholder=${t('feedback.search')} aria-label=${t('feedback.search')} />
      ${filtered && html`<button class="link" onClick=${clear}>${t('feedback.clear')}</button>`}
    </div>
    ${held.length > 0 && html`<button class="pill" onClick=${show}>↑ ${t('feedback.new', { n: held.length })}</button>`}
    ${list.error && html`<${Failure} error=${list.error} retry=${list.reload} />`}
    ${!rows && !list.error && html`<${Loading} rows=${10} />`}
    ${rows && !rows.length && html`<${Empty} title=${t(filtered || brand ? 'feedback.empty' : 'feedback.none')} hint=${t(filtered || brand ? 'feedback.emptyHint' : 'feedback.noneHint')} />`}
    ${rows && rows.length > 0 && html`
      <ol class="voices">${rows.map((row) => html`<${Voice} key=${row.feedback.id} row=${row} now=${now} me=${me} />`)}</ol>
      <div class="list-end">
        ${more.error && html`<${Failure} error=${more.error} retry=${next} />`}
        ${list.data.next ? html`<button class="button" disabled=${more.busy} onClick=${next}>${t(more.busy ? 'loading' : 'more')}</button>` : html`<span class="faint">${t('feedback.end')}</span>`}
      </div>`}`;
}
