// Opens the largest grid of the history in Chromium and scrolls through it: see grid.py.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const { chromium } = createRequire(join(process.cwd(), 'package.json'))('@playwright/test');
const [, , origin, password] = process.argv;
const ADDRESS = '/tests?rows=500&columns=50&machine=board-00';
const OPENED = 5;

const figure = (name, value, unit, good, target) =>
  console.log(`${name.padEnd(44)} ${value.toFixed(1).padStart(8)} ${unit.padEnd(4)} ${target.padEnd(12)} ${good ? 'PASS' : 'FAIL'}`);
const middle = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
const context = await browser.newContext({ baseURL: origin, viewport: { width: 1440, height: 900 } });
const page = await context.newPage();
await page.goto('/login');
await page.getByLabel('Name').fill('ada');
await page.getByLabel('Password').fill(password);
await page.getByRole('button', { name: 'Sign in' }).click();
await page.waitForURL((url) => url.pathname === '/');

const opened = [];
for (let turn = 0; turn < OPENED; turn += 1) {
  await page.goto('about:blank');
  await page.goto(ADDRESS, { waitUntil: 'load' });
  opened.push(
    await page.evaluate(async () => {
      // Two frames: what was laid out is painted.
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      const [navigation] = performance.getEntriesByType('navigation');
      return { whole: performance.now(), server: navigation.responseStart - navigation.requestStart, bytes: navigation.decodedBodySize };
    }),
  );
}
const cells = await page.locator('.history tbody td').count();
console.log(`${cells} cells, ${(opened[0].bytes / 1024).toFixed(0)} KiB of page, opened ${OPENED} times`);
figure('until it is painted, median', middle(opened.map((it) => it.whole)), 'ms', middle(opened.map((it) => it.whole)) <= 1000, '<= 1000 ms');
console.log(`of that until the first byte, median ${middle(opened.map((it) => it.server)).toFixed(1)} ms`);

for (const direction of ['down', 'across']) {
  const frames = await page.evaluate(async (direction) => {
    const table = document.querySelector('.history table, table.history');
    let box = table;
    const scrolls = (it) => (direction === 'down' ? it.scrollHeight > it.clientHeight + 1 : it.scrollWidth > it.clientWidth + 1);
    while (box && !(scrolls(box) && /auto|scroll/.test(getComputedStyle(box).overflow))) box = box.parentElement;
    box ??= document.scrollingElement;
    const took = [];
    let last = performance.now();
    for (let frame = 0; frame < 180; frame += 1) {
      const now = await new Promise(requestAnimationFrame);
      took.push(now - last);
      last = now;
      box.scrollBy(direction === 'down' ? { top: 60 } : { left: 12 });
    }
    return { took: took.slice(5), moved: direction === 'down' ? box.scrollTop : box.scrollLeft };
  }, direction);
  if (frames.moved === 0) throw new Error(`nothing scrolls ${direction}`);
  const took = frames.took.sort((a, b) => a - b);
  const seconds = took.reduce((sum, it) => sum + it, 0) / 1000;
  // What a screen of 60 Hz shows: 59 of 60, since clocks differ.
  figure(`frames a second, scrolling ${direction}`, took.length / seconds, 'fps', took.length / seconds >= 59, '>= 60 fps');
  console.log(`95 % of the frames took at most ${took[Math.floor(took.length * 0.95)].toFixed(1)} ms`);
}
await browser.close();
