// The console of a guest as a terminal: bytes from a socket to xterm.js and keys back.
//
// Loaded by the guest's page alone. The server says who types and how large the screen is; here
// nothing is decided. What the guest writes may draw text and choose colours, and nothing else: no
// clipboard, no title, no links.
import { Terminal } from '@xterm/xterm';
import { FitAddon } from '@xterm/addon-fit';

/** Messages for the terminal program around the text: title, palette, links, clipboard. */
const IGNORED = [0, 1, 2, 4, 7, 8, 9, 10, 11, 12, 50, 52, 104, 110, 111, 112, 133, 777, 1337];
/** How long to wait before each further try to connect, in milliseconds. */
const AGAIN = [500, 1000, 2000, 5000];
/** The server says that the browser may not come back (RFC 6455 §7.4.1). */
const POLICY = 1008;

/** Stands where xterm.js makes a style element, which the page's policy forbids. */
class ConstructedStyle extends HTMLElement {
  #sheet = new CSSStyleSheet();

  connectedCallback() {
    document.adoptedStyleSheets.push(this.#sheet);
  }

  disconnectedCallback() {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => sheet !== this.#sheet);
  }

  set textContent(/** @type {string} */ text) {
    this.#sheet.replaceSync(text);
  }
}

customElements.define('constructed-style', ConstructedStyle);

/** @param {ParentNode} root @param {string} selector @returns {HTMLElement} */
function the(root, selector) {
  const found = root.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`the page has no ${selector}`);
  return found;
}

/** The colours of the style sheet, as the terminal takes them: what the sheet writes on paper is dark
 * enough to stand behind letters, what it writes on dark ground is bright. @param {HTMLElement} host */
function theme(host) {
  const probe = host.appendChild(document.createElement('i'));
  const colour = (/** @type {string} */ name, scheme = 'dark') => {
    probe.style.colorScheme = scheme;
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const names = ['Red', 'Green', 'Yellow', 'Blue', 'Magenta', 'Cyan'];
  const palette = names.flatMap((name, index) => [
    [name.toLowerCase(), colour(`c${index + 1}`, 'light')],
    [`bright${name}`, colour(`c${index + 1}`)],
  ]);
  const colours = {
    ...Object.fromEntries(palette),
    black: colour('sunk'),
    brightBlack: colour('c0'),
    white: colour('c7'),
    brightWhite: colour('ink'),
    background: colour('sunk'),
    foreground: colour('ink'),
    cursor: colour('accent'),
    cursorAccent: colour('sunk'),
    selectionBackground: colour('accent-wash'),
  };
  probe.remove();
  return colours;
}

/** A guest's console on the page. @param {HTMLElement} part */
function show(part) {
  const host = the(part, '.screen');
  const status = the(part, '[data-status]');
  const hint = the(part, '[data-hint]');
  const sizes = [...part.querySelectorAll('button[data-size]')].filter((it) => it instanceof HTMLButtonElement);
  const style = getComputedStyle(host);
  const terminal = new Terminal({
    theme: theme(host),
    // Machines choose colours for other screens than this one.
    minimumContrastRatio: 4.5,
    fontFamily: style.fontFamily,
    fontSize: Number.parseFloat(style.fontSize),
    scrollback: 5000,
    cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
    screenReaderMode: true,
    // Whatever a machine writes is no fault of the page.
    logLevel: 'off',
    disableStdin: true,
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  for (const code of IGNORED) terminal.parser.registerOscHandler(code, () => true);
  part.setAttribute('data-terminal', '');
  terminal.open(host);
  terminal.textarea?.setAttribute('aria-label', 'Console of the guest; Shift and Tab leave it');
  let yours = false;
  /** Offsets behind what has come, behind what is drawn, and behind what was not written just now. */
  let [come, drawn, until] = [0, 0, 0];
  let tries = 0;
  /** @type {WebSocket} */
  let socket;

  const say = (/** @type {string} */ words) => {
    status.textContent = words;
  };
  const order = (/** @type {object} */ what) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(what));
  };
  const type = (/** @type {Uint8Array<ArrayBuffer>} */ keys) => {
    // What was written before may ask the terminal something: the guest waits for no answer now.
    if (!yours || drawn < until || socket.readyState !== WebSocket.OPEN) return;
    for (let at = 0; at < keys.length; at += 4096) socket.send(keys.slice(at, at + 4096));
  };
  const encoder = new TextEncoder();
  terminal.onData((text) => type(encoder.encode(text)));
  // A keyboard must be able to leave: Tab is the guest's for whoever types, and never with Shift.
  terminal.attachCustomKeyEventHandler((event) => event.key !== 'Tab' || (yours && !event.shiftKey));
  terminal.onBinary((text) => type(Uint8Array.from(text, (c) => c.charCodeAt(0))));

  /** @param {{state: string, typist: string | null, yours: boolean, columns: number, rows: number}} told */
  function stands(told) {
    const running = told.state === 'running';
    yours = told.yours && told.state !== 'ended';
    terminal.options.disableStdin = !yours;
    for (const button of sizes) button.disabled = !yours;
    if (terminal.cols !== told.columns || terminal.rows !== told.rows) terminal.resize(told.columns, told.rows);
    hint.hidden = !yours || (told.columns === 80 && told.rows === 24);
    the(hint, 'code').textContent = `stty columns ${told.columns} rows ${told.rows}`;
    if (told.state === 'ended') say('The guest has ended.');
    else if (!running) say('The guest is being started…');
    else if (yours) say('');
    else say(told.typist ? `${told.typist} types; you watch.` : 'Nobody types; you watch.');
  }

  /** @param {string} text */
  function told(text) {
    const message = JSON.parse(text);
    if (message.told === 'begin') {
      // What was lost while the connection was cut leaves the screen in pieces.
      if (message.from !== come) terminal.reset();
      [come, until] = [message.from, message.until];
    } else if (message.told === 'lost') {
      come += message.bytes;
      terminal.reset();
    } else if (message.told === 'refused') {
      say(message.why);
    } else if (message.told === 'stands') {
      stands(message);
    }
  }

  function connect() {
    const address = new URL(`${part.dataset.socket}?after=${come}`, location.href);
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
    socket = new WebSocket(address);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      tries = 0;
    };
    socket.onmessage = ({ data }) => {
      if (typeof data === 'string') {
        told(data);
        return;
      }
      const bytes = new Uint8Array(data);
      come += bytes.length;
      const end = come;
      terminal.write(bytes, () => {
        drawn = end;
      });
    };
    socket.onclose = ({ code, reason }) => {
      yours = false;
      terminal.options.disableStdin = true;
      for (const button of sizes) button.disabled = true;
      if (code === POLICY) {
        say(reason);
        return;
      }
      say(reason || 'The connection is cut. Trying again…');
      setTimeout(again, AGAIN[Math.min(tries, AGAIN.length - 1)]);
      tries += 1;
    };
  }

  /** Connects, unless there is nothing left to connect to: a refused socket does not tell why. */
  async function again() {
    const asked = tries > 1 ? await fetch(`${part.dataset.console}`, { method: 'HEAD' }).catch(() => null) : null;
    if (asked && (asked.redirected || !asked.ok)) say('The guest is gone with its server, or you are signed out.');
    else connect();
  }

  for (const button of sizes) {
    button.addEventListener('click', () => {
      host.classList.add('fitting');
      const proposed = button.dataset.size === 'fit' ? fit.proposeDimensions() : undefined;
      host.classList.remove('fitting');
      order({ order: 'resize', columns: proposed?.cols ?? 80, rows: proposed?.rows ?? 24 });
      terminal.focus();
    });
  }
  the(hint, 'button').addEventListener('click', () => {
    type(encoder.encode(`${the(hint, 'code').textContent}\r`));
    terminal.focus();
  });
  // The forms of the page do the same without script, and load the page anew.
  document.addEventListener('submit', (event) => {
    const action = event.target instanceof HTMLFormElement ? event.target.action : '';
    const what = action.includes('/take_keyboard') ? 'take' : action.includes('/give_up_keyboard') ? 'give-up' : '';
    if (what === '' || socket.readyState !== WebSocket.OPEN) return;
    event.preventDefault();
    order({ order: what });
    terminal.focus();
  });
  connect();
}

for (const part of document.querySelectorAll('[data-socket]')) {
  if (part instanceof HTMLElement) show(part);
}
