// One ticker for all clocks of the page, set by the server's time and not by the visitor's computer.
import { useEffect, useState } from './dom.js';

let offset = 0;
const watchers = new Set();
let timer = null;

export const now = () => Date.now() + offset;

/** Learns the server's time from an answer. Small differences are the network's, and would make clocks jump. */
export function learn(serverNow) {
  const difference = new Date(serverNow).getTime() - Date.now();
  if (Number.isFinite(difference) && Math.abs(difference - offset) > 1500) offset = difference;
}

function tick() {
  watchers.forEach((watcher) => watcher(now()));
  timer = setTimeout(tick, 1000 - (now() % 1000) + 5);
}

/** The time now, every second. */
export function useNow() {
  const [value, set] = useState(now());
  useEffect(() => {
    watchers.add(set);
    if (!timer) timer = setTimeout(tick, 1000 - (now() % 1000) + 5);
    return () => {
      watchers.delete(set);
      if (!watchers.size) { clearTimeout(timer); timer = null; }
    };
  }, []);
  return value;
}

const at = (value) => new Date(value).getTime();

/** How one deadline stands at `time`. Urgency follows the reminders: half, three quarters, passed. */
export function deadlineAt(deadline, clock, instant, open) {
  // A clock that stands shows the time that is left.
  const time = clock.paused ? at(clock.paused.at) : instant;
  const due = at(deadline.due_at);
  const started = at(deadline.started_at ?? clock.started_at);
  if (deadline.met_at) {
    const met = at(deadline.met_at);
    return { kind: deadline.kind, due, met, level: met > due ? 'late' : 'met', took: met - started, over: met - due, share: 1 };
  }
  const left = due - time;
  const share = Math.min(1, Math.max(0, (time - started) / Math.max(1, due - started)));
  if (!open) return { kind: deadline.kind, due, left, share, level: 'void' };
  const level = left <= 0 ? 'breached' : share >= 0.75 ? 'urgent' : share >= 0.5 ? 'soon' : 'calm';
  return { kind: deadline.kind, due, left, share, level };
}

const OPEN = ['raised', 'acknowledged', 'assessing', 'responding'];

/** Whether anything but the review can still be done. */
export const isOpen = (alert) => OPEN.includes(alert.state.name);

/** Whether a deadline counts now: the review once the matter is over, all others until then. */
export const counts = (alert, deadline) => (deadline.kind === 'review' ? alert.state.name === 'resolved' : isOpen(alert));

/** The deadline of an alert that counts now: the first that is not met; null without a clock or when all is done. */
export function pressing(alert, time) {
  if (!alert.clock) return null;
  const open = alert.clock.deadlines.filter((deadline) => !deadline.met_at && counts(alert, deadline));
  if (!open.length) return null;
  open.sort((a, b) => at(a.due_at) - at(b.due_at));
  return deadlineAt(open[0], alert.clock, time, true);
}
