// The page is a function of its state: Preact draws, htm writes the markup, nothing is compiled.
import { Component, Fragment, h, render } from '../vendor/preact-10.29.8.js';
import { useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from '../vendor/preact-hooks-10.29.8.js';
import htm from '../vendor/htm-3.1.1.js';

export const html = htm.bind(h);
export { Component, Fragment, render, useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState };
