// Results from elsewhere: a file is brought in by clicking, waits in the inbox, is attached, and is read in the
// history, on the case's page and in a comparison; a person writes a result down with a picture. With and without
// script.
import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import { expect, live, signIn, test } from '../fixtures';

const fixture = (name: string) => fileURLToPath(new URL(`../../server/tests/fixtures/results/${name}`, import.meta.url));
const table = (rows: string) => Buffer.from(`Test name,Test ID,Result,Comments\n${rows}\n`);
const csv = (name: string, rows: string) => ({ name, mimeType: 'text/csv', buffer: table(rows) });

/** Fills the form in and sends it. */
async function bring(page: Page, release: string, machine: string, file: string | ReturnType<typeof csv>) {
  await page.goto('/tests');
  await page.getByRole('link', { name: 'Bring results in' }).click();
  await page.getByLabel('Release').fill(release);
  await page.getByLabel('Machine').fill(machine);
  await page.getByLabel('Suite').fill('regression');
  await page.getByLabel('File').setInputFiles(file);
  await page.getByRole('button', { name: 'Bring in' }).click();
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with' : 'without';
  test(`results come in, count once attached, and are compared, ${how} script`, async ({ browser, baseURL, complaints }) => {
    const context = await browser.newContext({ baseURL, javaScriptEnabled });
    const page = await signIn(context, 'dennis');
    complaints.watch(page);
    complaints.announce(422);
    const [older, newer] = [`${how}-v1`, `${how}-v2`];

    // A wrong file says where, and what was typed stays.
    await bring(page, `recorded/${older}`, 'apu2', csv('a.csv', 'boot,DEB1.1,GREEN,'));
    await expect(page.getByRole('alert')).toContainText('line 2');
    await expect(page.getByLabel('Machine')).toHaveValue('apu2');

    await bring(page, `recorded/${older}`, 'apu2', csv('a.csv', `boot ${how},DEB1.1,PASS,\niommu,XEN1.2,PASS,`));
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('regression on apu2');
    const run = page.url();
    await bring(page, `recorded/${older}`, 'apu2', csv('b.csv', `boot ${how},DEB1.1,PASS,\niommu,XEN1.2,PASS,`));
    await expect(page, 'the same file is the same run').toHaveURL(run);

    // Of a release that nobody knows: it waits.
    await bring(page, `${how}-unknown`, 'apu2', csv('c.csv', `boot ${how},DEB1.1,PASS,\niommu,XEN1.2,FAIL,not found!`));
    await expect(page.getByText('nobody has said yet')).toBeVisible();
    await page.goto('/tests/inbox');
    const waiting = page.getByRole('row').filter({ hasText: 'regression' });
    await waiting.getByRole('combobox').fill(`recorded/${newer}`);
    await waiting.getByRole('button', { name: 'Attach' }).click();
    await expect(page.getByText(newer)).toBeVisible();

    // The history, by its filters, and from a cell to the case.
    await page.goto('/tests');
    await page.getByLabel('Machine').selectOption('apu2');
    await page.getByLabel('Only changes').check();
    await page.getByRole('button', { name: 'Show' }).click();
    await expect(page).toHaveURL(/machine=apu2.*changes=1|changes=1.*machine=apu2/);
    const cell = page.getByRole('link', { name: `XEN1.2 in ${newer}: failed` });
    await expect(cell).toBeVisible();
    await cell.click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('iommu');
    await expect(page.locator('.properties')).toContainText('Flakiness');
    await expect(page.getByRole('cell', { name: 'not found!' })).toBeVisible();

    await page.goto(`/compare?here=recorded/${newer}&base=recorded/${older}`);
    await expect(page.getByRole('row').filter({ hasText: 'XEN1.2' })).toContainText('regression');
    await page.getByRole('link', { name: /^fixed/ }).click();
    await expect(page.getByText('No case changed so.')).toBeVisible();
    await page.getByRole('link', { name: 'Swap sides' }).click();
    await expect(page.getByRole('row').filter({ hasText: 'XEN1.2' })).toContainText('fixed');

    await page.goto(`/tests/release?about=recorded/${newer}&baseline=recorded/${older}`);
    await expect(page.locator('.figures')).toContainText('1 (-1)');
    await expect(page.locator('.figures')).toContainText('50.00 % (-50.00 %)');
    await expect(page.locator('.failures')).toContainText('not found!');
    await context.close();
  });
}

test('a real Robot Framework run that was killed is kept as far as it is whole', async ({ context }) => {
  const page = await signIn(context, 'dennis');
  await bring(page, 'recorded/killed', 'apu3', fixture('robot-7.5/killed.xml'));
  await expect(page.getByText(/ends in the middle|not whole|cut off/i).first()).toBeVisible();
});

test('arrow keys go from cell to cell', async ({ context }) => {
  const page = await signIn(context, 'vera');
  await page.goto('/tests');
  await live(page);
  const first = page.locator('.history tbody td a').first();
  await first.focus();
  await page.keyboard.press('ArrowDown');
  const below = await page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? '');
  expect(below).toMatch(/ in .*: /);
  expect(below).not.toBe(await first.getAttribute('aria-label'));
  await page.keyboard.press('ArrowUp');
  await expect(first).toBeFocused();
});

test('what a person saw is written down with a picture that acts as nobody', async ({ context, complaints }) => {
  complaints.announce(422);
  const page = await signIn(context, 'dennis');
  await page.goto('/tests/record');
  await page.getByLabel('Release').fill('recorded/v0.9');
  await page.getByLabel('Machine').fill('apu1');
  await page.getByLabel('Id of the case').fill('PFS1.1');
  await page.getByLabel('What it checks').fill('pfSense 2.4.x install test');
  await page.getByLabel('Outcome').selectOption('failed');
  await page.getByRole('button', { name: 'Keep' }).click();
  await expect(page.getByRole('alert')).toContainText(/say what was seen/i);
  await page.getByLabel('What was seen').fill('stops at the boot loader');
  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=',
    'base64',
  );
  await page.getByLabel('Picture').setInputFiles({ name: 'screen.png', mimeType: 'image/png', buffer: png });
  await page.getByRole('button', { name: 'Keep' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('manual on apu1');
  await page.getByRole('link', { name: 'pfSense 2.4.x install test' }).click();
  const picture = page.getByRole('link', { name: 'screen.png' });
  const answer = await page.request.get((await picture.getAttribute('href')) ?? '');
  expect(answer.headers()['content-type']).toBe('image/png');
  expect(answer.headers()['content-security-policy']).toContain('sandbox');
  expect(answer.headers()['content-security-policy']).not.toContain('allow-same-origin');
  expect(answer.headers()['x-content-type-options']).toBe('nosniff');
});
