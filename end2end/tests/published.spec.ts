// What a team publishes: the report of a release to be read, printed and copied, a badge, and the feed.
import { expect, live, signIn, test } from '../fixtures';

const csv = (name: string, rows: string) => ({
  name,
  mimeType: 'text/csv',
  buffer: Buffer.from(`Test name,Test ID,Result,Comments\n${rows}\n`),
});

test('a report is measured, printed, copied and pointed at', async ({ browser, baseURL, complaints }, info) => {
  const context = await browser.newContext({ baseURL, permissions: ['clipboard-read', 'clipboard-write'] });
  const page = await signIn(context, 'dennis');
  complaints.watch(page);
  for (const [release, rows] of [
    ['published-v1', 'iommu,PUB1.2,FAIL,not found\ncore,PUB1.1,PASS,\nubuntu,PUB1.9,PASS,'],
    ['published-v2', 'iommu,PUB1.2,PASS,\ncore,PUB1.1,FAIL,a | b\nvoyage,PUB1.3,PASS,'],
  ] as const) {
    await page.goto('/tests/import');
    await page.getByLabel('Release').fill(`recorded/${release}`);
    await page.getByLabel('Machine').fill('apu2');
    await page.getByLabel('Suite').fill('published');
    await page.getByLabel('File').setInputFiles(csv(`${release}.csv`, rows));
    await page.getByRole('button', { name: 'Bring in' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('published on apu2');
  }

  await page.goto('/tests/release?about=recorded/published-v2&baseline=recorded/published-v1');
  await page.getByRole('link', { name: 'The release report' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Release report: published-v2');
  await live(page);
  await expect(page.locator('.figures')).toContainText('2 (±0)');
  const kinds = page.getByRole('heading', { level: 3 });
  await expect(kinds).toHaveText([
    'By machine',
    'By suite',
    /^Added\s+1$/,
    /^Fixed\s+1$/,
    /^Turned bad\s+1$/,
    /^Not tested any more\s+1$/,
  ]);
  await expect(page.getByRole('region', { name: 'Reasons for fails' })).toContainText('a | b');

  // On paper there is the report and nothing around it.
  await page.emulateMedia({ media: 'print' });
  for (const gone of ['Main', 'Where you are']) {
    await expect(page.getByRole('navigation', { name: gone })).toBeHidden();
  }
  await expect(page.getByRole('button', { name: 'Measure' })).toBeHidden();
  await expect(page.getByRole('heading', { name: 'Testing' })).toBeVisible();
  await info.attach('on paper', { body: await page.screenshot({ fullPage: true }), contentType: 'image/png' });
  await page.emulateMedia({ media: 'screen' });

  await page.getByText('The report as Markdown').click();
  await page.getByRole('button', { name: 'Copy the report as Markdown' }).click();
  await expect
    .poll(() => page.evaluate(() => navigator.clipboard.readText()))
    .toContain('| PUB1.1 core (apu2) | failed: a \\| b |');
  const address = '/releases/recorded%2Fpublished-v2/report.md?baseline=recorded%2Fpublished-v1';
  const saved = await page.context().request.get(address);
  expect(saved.headers()['content-type']).toContain('text/markdown');
  expect((await saved.text()).trimEnd()).toBe(await page.evaluate(() => navigator.clipboard.readText()));

  const badge = await page.goto('/badges/releases/published-v2/tests.svg');
  expect(badge?.headers()['content-type']).toBe('image/svg+xml');
  await expect(page.getByRole('img', { name: 'published-v2 tests: 2 passed, 1 failed' })).toBeVisible();
  // The browser's own font is held to the width that was computed for it.
  const wider = await page.evaluate(() =>
    [...document.querySelectorAll('text')].map((it) => Math.abs(it.getComputedTextLength() - it.textLength.baseVal.value)),
  );
  expect(Math.max(...wider)).toBeLessThan(1);

  const feed = await page.context().request.get('/feed.atom');
  expect(feed.headers()['content-type']).toContain('application/atom+xml');
  const titles = await page.evaluate(
    (text) => {
      const read = new DOMParser().parseFromString(text, 'application/xml');
      return [...read.querySelectorAll('parsererror, entry > title')].map((it) => it.textContent);
    },
    await feed.text(),
  );
  expect(titles).toContain('published-v2: published on apu2 failed');
  const again = await page.context().request.get('/feed.atom', { headers: { 'If-None-Match': feed.headers()['etag'] } });
  expect(again.status()).toBe(304);
  await context.close();
});

test('who has no session is asked for a token', async ({ playwright, baseURL }) => {
  const stranger = await playwright.request.newContext({ baseURL });
  for (const address of ['/feed.atom', '/badges/environments/production.svg']) {
    const answer = await stranger.get(address);
    expect(answer.status(), address).toBe(401);
    expect(answer.headers()['www-authenticate'], address).toContain('Basic');
  }
  await stranger.dispose();
});
