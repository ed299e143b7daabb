// What customers answered on scales: NPS, satisfaction, effort and the sources' own questions, by brand, channel or product.
import { html, useState } from './dom.js';
import { get } from './api.js';
import { count, decimal, exact } from './format.js';
import { keep, kept, t } from './i18n.js';
import { useEvent } from './live.js';
import { channelName } from './names.js';
import { Failure, Panel, Segmented, useRead, useThrottle } from './parts.js';

const WAYS = ['question', 'brand', 'channel', 'product'];
const SHOWN = 12;
const SCORES = ['nps', 'csat', 'ces'];

/** The scores that all sources give alike come first. */
function sorted(questions) {
  const place = (row) => (SCORES.includes(row.question) ? SCORES.indexOf(row.question) : SCORES.length);
  return [...questions].sort((a, b) => place(a) - place(b));
}

function Row({ row, way }) {
  const mean = row.value_sum / 1000 / row.answers;
  const scale = `${row.from}–${row.to}`;
  const isNps = row.from === 0 && row.to === 10;
  const of = way === 'channel' ? channelName(row.channel) : row[way] || t('ratings.unknown');
  const figure = isNps ? decimal((100 * (row.top - row.bottom)) / row.answers, 0) : `${((100 * row.top) / row.answers).toFixed(0)}%`;
  return html`
    <li>
      <span class="rating-name"><b>${SCORES.includes(row.question) ? t(`kpi.${row.question}`) : row.question}</b>${way !== 'question' && html`<small>${of}</small>`}</span>
      <span class="rating-bar" role="img" aria-label=${t('ratings.mean', { n: decimal(mean, 2), scale })} title=${t('ratings.mean', { n: decimal(mean, 2), scale })}>
        <i style=${{ width: `${(100 * (mean - row.from)) / (row.to - row.from)}%` }}></i></span>
      <span class="rating-mean">${decimal(mean, 2)}<small> / ${row.to}</small></span>
      <span class="rating-top" title=${t(isNps ? 'ratings.nps' : 'ratings.top')}>${figure}<small> ${t(isNps ? 'ratings.npsShort' : 'ratings.topShort')}</small></span>
      <span class="rating-count" title=${exact(row.answers)}>${t('kpi.answers', { n: count(row.answers) })}</span>
    </li>`;
}

export function Ratings({ range, brand }) {
  const [way, setWay] = useState(WAYS.includes(kept().ratings) ? kept().ratings : 'question');
  const ratings = useRead(() => get('/ratings', { range, brand, by: way }), [range, brand, way]);
  const again = useThrottle(ratings.reload, 5000);
  useEvent('overview', again);
  useEvent('reload', again);
  const { data, error } = ratings;
  if (error && !data) return html`<${Panel} className="wide-3" title=${t('ratings.title')}><${Failure} error=${error} retry=${ratings.reload} /><//>`;
  // Who asks nothing is shown no empty panel.
  if (!data?.questions.length) return null;
  const choose = (value) => { setWay(value); keep({ ratings: value }); };
  const rows = sorted(data.questions);
  return html`
    <${Panel} className="wide-3 panel-ratings" title=${t('ratings.title')} hint=${t('ratings.hint')} aside=${html`
      <${Segmented} label=${t('ratings.way')} value=${way} onChange=${choose} options=${WAYS.map((name) => [name, t(`ratings.by.${name}`)])} />`}>
      <ol class="ratings">${rows.slice(0, SHOWN).map((row) => html`<${Row} key=${[row.question, row.from, row.to, row[data.by]].join()} row=${row} way=${data.by} />`)}</ol>
      ${rows.length > SHOWN && html`<p class="faint">${t('ratings.more', { n: rows.length - SHOWN })}</p>`}
    <//>`;
}
