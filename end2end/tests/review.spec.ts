// Reviewing failures by clicking: two of one cause at once, a waiver by another person, refused to whoever brought
// the results in, carried over to the next release, and taken back. With and without script.
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, signIn, test } from '../fixtures';

async function bring(page: Page, release: string, rows: string) {
  await page.goto('/tests/import');
  await page.getByLabel('Release').fill(`recorded/${release}`);
  await page.getByLabel('Machine').fill('apu4');
  await page.getByLabel('Suite').fill('review');
  const buffer = Buffer.from(`Test name,Test ID,Result,Comments\n${rows}\n`);
  await page.getByLabel('File').setInputFiles({ name: 'results.csv', mimeType: 'text/csv', buffer });
  await page.getByRole('button', { name: 'Bring in' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('review on apu4');
}

/** A page with forms of a review is accessible, and stays within a narrow window. */
async function holds(page: Page) {
  expect((await new AxeBuilder({ page }).analyze()).violations.map(({ id }) => id)).toEqual([]);
  const before = page.viewportSize()!;
  await page.setViewportSize({ width: 320, height: 800 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
  await page.setViewportSize(before);
}

const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with' : 'without';
  test(`failures are reviewed, waived and carried over, ${how} script`, async ({ browser, baseURL, complaints }) => {
    const context = await browser.newContext({ baseURL, javaScriptEnabled });
    const other = await browser.newContext({ baseURL, javaScriptEnabled });
    const [dennis, grace] = [await signIn(context, 'dennis'), await signIn(other, 'grace')];
    [dennis, grace].forEach((page) => complaints.watch(page));
    const [first, next] = [`${how}-review-v1`, `${how}-review-v2`];
    const failing = (seconds: number) =>
      `usb,REV1.1,FAIL,${how} no device after ${seconds} s\ndisk,REV1.2,FAIL,${how} no disk after ${seconds} s\nnet,REV1.3,FAIL,${how} no link`;

    // Two of one cause are said to be the lab's, at once.
    await bring(dennis, first, failing(30));
    await expect(dennis.getByText('0 of 3 failures reviewed')).toBeVisible();
    await dennis.goto(`/tests/release?about=recorded/${first}`);
    for (const id of ['REV1.1', 'REV1.2']) await dennis.getByRole('checkbox', { name: `Tick ${id} on apu4` }).check();
    await dennis.getByLabel('Whose problem it is').selectOption('lab');
    await dennis.getByLabel('Issue').fill('https://tracker.example/issues/7');
    await expect(dennis.getByRole('button', { name: 'Waive the ticked' })).toBeDisabled();
    await dennis.getByRole('button', { name: 'Keep for the ticked' }).click();
    await expect(dennis.getByText('2 of 3 failures reviewed')).toBeVisible();
    await expect(dennis.locator('.failures').getByRole('link', { name: 'https://tracker.example/issues/7' })).toHaveCount(2);
    if (javaScriptEnabled) await holds(dennis);
    await dennis.getByRole('link', { name: 'Only those not reviewed' }).click();
    await expect(dennis.locator('.failures > li')).toHaveCount(1);

    // An approver who did not bring it in waives the third.
    await grace.goto(`/tests/release?about=recorded/${first}`);
    await grace.getByRole('link', { name: 'REV1.3', exact: true }).click();
    const result = grace.url();
    await grace.getByLabel('Why it does not stand in the way').fill('The switch of this board is being replaced');
    await grace.getByLabel('Until').fill(inDays(20));
    await grace.getByRole('button', { name: 'Waive', exact: true }).click();
    await expect(grace.locator('.page-title').getByText('waived')).toBeVisible();
    if (javaScriptEnabled) await holds(grace);
    await dennis.goto(result.replace(baseURL!, ''));
    await expect(dennis.getByRole('button', { name: 'Waive', exact: true })).toBeDisabled();
    await expect(dennis.getByText(/to waive a failure you need the role approver/i).first()).toBeVisible();

    // The next release fails in the same way: everything is known.
    await bring(dennis, next, failing(31));
    await expect(dennis.getByText('all failures reviewed')).toBeVisible();
    await dennis.goto(`/tests/release?about=recorded/${next}`);
    await expect(dennis.getByText(`carried over from ${first}`)).toHaveCount(3);

    await grace.goto(`/tests/release?about=recorded/${next}`);
    await grace.getByRole('link', { name: 'REV1.3', exact: true }).click();
    await grace.getByRole('button', { name: 'Take it back' }).click();
    await expect(grace.locator('.page-title').getByText('waived')).toHaveCount(0);
    await grace.getByText('Who said what').click();
    await expect(grace.locator('.list')).toContainText('The switch of this board is being replaced');
    await dennis.goto(`/tests/release?about=recorded/${next}`);
    await expect(dennis.getByText('2 of 3 failures reviewed')).toBeVisible();
    await context.close();
    await other.close();
  });
}
