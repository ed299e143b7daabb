// Volume over time as stacked bars: what is counted is drawn, one bar a window, nothing smoothed.
import uPlot from '../vendor/uplot-1.6.32.js';
import { html, useEffect, useLayoutEffect, useRef, useState } from './dom.js';
import { t } from './i18n.js';
import { CHANNELS, channelName, labelName } from './names.js';
import { count, exact, fullTime, minuteTime, monthDay, timeZone } from './format.js';
import { Empty } from './parts.js';

const SECONDS = { '1m': 60, '1h': 3600, '1d': 86400 };
const LABELS = ['negative', 'neutral', 'positive'];

/** Every window of the stretch with its counts; windows without feedback are zero. */
export function fill(overview) {
  const step = SECONDS[overview.size];
  const starts = overview.series.map((point) => new Date(point.start).getTime() / 1000);
  const all = overview.range === 'all';
  if (all && !starts.length) return { x: [], rows: [] };
  const first = all ? Math.min(...starts) : new Date(overview.from).getTime() / 1000;
  const last = all ? Math.max(...starts) : new Date(overview.to).getTime() / 1000 - step;
  const size = Math.min(4000, Math.max(0, Math.round((last - first) / step)) + 1);
  const x = Array.from({ length: size }, (_, i) => first + i * step);
  const rows = x.map(() => ({}));
  overview.series.forEach((point, i) => {
    const row = rows[Math.round((starts[i] - first) / step)];
    if (row) row[point.name] = point;
  });
  return { x, rows };
}

function layers(mode, rows) {
  if (mode === 'channel') {
    return CHANNELS
      .filter((name) => rows.some((row) => row[name]?.volume))
      .map((name) => ({ name, text: channelName(name), color: `--c-${name}`, values: rows.map((row) => row[name]?.volume ?? 0) }));
  }
  return LABELS.map((name) => ({
    name, text: labelName(name), color: `--${name}`,
    values: rows.map((row) => Object.values(row).reduce((sum, counts) => sum + counts[name], 0)),
  }));
}

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Each layer drawn to the height of itself and all below, the tallest first. */
function stacked(x, parts) {
  const sums = new Array(x.length).fill(0);
  const heights = parts.map((part) => part.values.map((value, i) => (sums[i] += Math.max(0, value))));
  return [x, ...heights.reverse()];
}

export function VolumeChart({ overview, mode }) {
  const holder = useRef(null);
  const plot = useRef(null);
  const [at, setAt] = useState(null);
  const [theme, setTheme] = useState(0);
  const { x, rows } = fill(overview);
  const parts = layers(mode, rows);
  const total = parts.reduce((sum, part) => sum + part.values.reduce((a, b) => a + b, 0), 0);
  const shape = `${mode}|${parts.map((part) => part.name)}|${overview.size}|${theme}|${document.documentElement.lang}|${timeZone()}`;

  useEffect(() => {
    const changed = () => setTheme((n) => n + 1);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', changed);
    document.addEventListener('themechange', changed);
    return () => { scheme.removeEventListener('change', changed); document.removeEventListener('themechange', changed); };
  }, []);

  const step = SECONDS[overview.size];

  useLayoutEffect(() => {
    if (!total || !holder.current) return undefined;
    const label = { '1m': minuteTime, '1h': (d) => (x.length > 30 ? monthDay(d) : minuteTime(d)), '1d': monthDay }[overview.size];
    const axis = { stroke: color('--ink3'), font: `11px ${color('--font')}`, ticks: { show: false }, border: { show: false } };
    const bars = uPlot.paths.bars({ size: [0.82, 26], gap: x.length > 200 ? 0 : 1 });
    const options = {
      width: holder.current.clientWidth, height: holder.current.clientHeight,
      padding: [8, 4, 0, 0], legend: { show: false },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), timeZone()),
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: { x: { time: true, range: (_, low, high) => [low - step / 2, high + step / 2] }, y: { range: (_, low, high) => [0, Math.max(4, high * 1.08)] } },
      axes: [
        { ...axis, grid: { show: false }, space: 64, size: 24, gap: 4, values: (_, splits) => splits.map((s) => label(new Date(s * 1000))) },
        { ...axis, size: 44, gap: 6, space: 36, grid: { stroke: color('--line'), width: 1 }, values: (_, splits) => splits.map((v) => (Number.isInteger(v) ? count(v) : '')) },
      ],
      series: [{}, ...[...parts].reverse().map((part) => ({ label: part.text, width: 0, fill: color(part.color), stroke: color(part.color), paths: bars, points: { show: false } }))],
      hooks: { setCursor: [(u) => setAt(u.cursor.idx ?? null)] },
    };
    plot.current = new uPlot(options, stacked(x, parts), holder.current);
    const resized = new ResizeObserver(([entry]) => plot.current?.setSize({ width: entry.contentRect.width, height: entry.contentRect.height }));
    resized.observe(holder.current);
    return () => { resized.disconnect(); plot.current.destroy(); plot.current = null; };
  }, [shape, total > 0]);

  useLayoutEffect(() => { plot.current?.setData(stacked(x, parts)); });

  if (!total) return html`<div class="chart"><${Empty} title=${t('chart.empty')} hint=${overview.range === 'all' ? '' : t('chart.emptyHint')} /></div>`;
  const hovered = at !== null && at < x.length;
  const shown = (values) => (hovered ? values[at] : values.reduce((a, b) => a + b, 0));
  return html`
    <ul class="legend">
      <li class="legend-when">${hovered ? fullTime(new Date(x[at] * 1000)).slice(5, 16) : t('chart.total')}</li>
      ${parts.map((part) => html`<li key=${part.name}><i style=${{ background: `var(${part.color})` }}></i>${part.text} <b>${count(shown(part.values))}</b></li>`)}
    </ul>
    <div class="chart" ref=${holder} role="img" aria-label=${`${t(`chart.volume.${overview.size}`)}: ${exact(total)}`}></div>`;
}
