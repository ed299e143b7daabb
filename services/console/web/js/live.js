// The live stream. Whoever listens hears every change, or `reload` when some may have been missed.
import { useEffect, useState } from './dom.js';
import { get } from './api.js';
import { now } from './clock.js';

const listeners = new Map();
const states = new Set();
let source = null;
let retry = null;
let failures = 0;
let state = { name: 'connecting', since: Date.now(), heard: null };

function setState(name) {
  if (state.name === name) return;
  state = { name, since: now(), heard: state.heard };
  states.forEach((listener) => listener(state));
}

function emit(name, data) {
  (listeners.get(name) ?? []).forEach((listener) => listener(data));
}

function heard(name) {
  return (event) => {
    state.heard = now();
    emit(name, JSON.parse(event.data));
  };
}

export function connect() {
  disconnect();
  source = new EventSource('/api/v1/stream');
  source.addEventListener('hello', (event) => {
    failures = 0;
    setState('live');
    if (!JSON.parse(event.data).resumed) emit('reload', {});
  });
  source.addEventListener('resync', () => emit('reload', {}));
  for (const name of ['alert', 'feedback', 'overview', 'deliveries']) source.addEventListener(name, heard(name));
  source.onerror = () => {
    setState('lost');
    // A browser comes back by itself after a broken connection, but not after a refusal.
    if (source?.readyState === EventSource.CLOSED) again();
  };
}

function again() {
  clearTimeout(retry);
  failures += 1;
  retry = setTimeout(() => get('/me').then(connect, (error) => { if (error.status !== 401) again(); }),
    Math.min(15000, 500 * 2 ** Math.min(failures, 5)));
}

export function disconnect() {
  clearTimeout(retry);
  source?.close();
  source = null;
}

/** Calls `listener` for every event of that name while the component is shown. */
export function useEvent(name, listener, inputs = []) {
  useEffect(() => {
    if (!listeners.has(name)) listeners.set(name, new Set());
    listeners.get(name).add(listener);
    return () => listeners.get(name).delete(listener);
  }, inputs);
}

export function useConnection() {
  const [value, set] = useState(state);
  useEffect(() => {
    states.add(set);
    set(state);
    return () => states.delete(set);
  }, []);
  return value;
}
