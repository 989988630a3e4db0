// Room on the disk: what takes it, pins, and a collection, on what the whole way left behind.
import { expect, live, signIn, test } from '../fixtures';

/** The row of a table of that name whose first cell is `name`. */
const cells = (page: import('@playwright/test').Page, table: string, name: string | RegExp) =>
  page.getByRole('region', { name: table }).getByRole('row').filter({ hasText: name }).getByRole('cell');

test('the page tells what takes the disk and what needs it', async ({ context }) => {
  const page = await signIn(context, 'vera');
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Room' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Room on the disk' })).toBeVisible();
  await expect(page.getByRole('meter', { name: 'How full the data disk is' })).toBeVisible();
  await expect(page.getByText(/ are free; builds wait below 2\.0 GiB\./).first()).toBeVisible();

  // What production serves and what it can go back to stay, and the image of each is its own.
  const released = page.getByRole('region', { name: 'Room of releases' }).getByRole('row').filter({ hasText: 'released' });
  await expect(released.first()).toContainText('releases stay for ever');
  const served = page.getByRole('region', { name: 'Room of releases' }).getByRole('row', { name: /production serves it/ });
  await expect(served.first()).toContainText('MiB');
  await expect(cells(page, 'Room of build steps', 'pack').nth(1)).toHaveText(/[1-9]\d*/);
  await expect(page.getByRole('heading', { name: 'Logs' })).toBeVisible();

  // The same numbers as a program gets.
  const room = await (await page.request.get('/room')).text();
  expect(room).toContain('Nothing needs it');
  await expect(page.getByRole('button', { name: 'Collect now' })).toBeDisabled();
  await expect(page.getByText(/To remove what nothing needs you need the role developer/).first()).toBeVisible();
});

for (const javaScriptEnabled of [true, false]) {
  test(`a dry run and a collection are jobs, ${javaScriptEnabled ? 'with' : 'without'} script`, async ({
    browser,
    baseURL,
    complaints,
  }) => {
    const context = await browser.newContext({ baseURL, javaScriptEnabled });
    const page = await signIn(context, 'dennis');
    complaints.watch(page);
    const state = page.locator('.page-title .badge').first();
    const ends = async () => {
      // Without script a person looks again.
      await expect(async () => {
        if (!javaScriptEnabled) await page.reload();
        await expect(state).toHaveText('succeeded', { timeout: 2_000 });
      }).toPass();
    };
    await page.goto('/room');
    await page.getByRole('button', { name: 'Say what would go' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Collection of garbage');
    await ends();
    await expect(page.locator('.properties')).toContainText('nothing was removed');

    await page.goto('/room');
    await page.getByRole('button', { name: 'Collect now' }).click();
    await ends();
    await expect(page.locator('.properties')).toContainText(/freed: .* removed/);
    await page.goto('/room');
    await expect(page.getByText(/^A collection would free .* now\./)).toBeVisible();
    // What machines boot is there still.
    const served = page.getByRole('region', { name: 'Room of releases' }).getByRole('row', { name: /production serves it/ });
    const release = await served.getByRole('link').innerText();
    await page.goto(`/releases/${release}/files`);
    const link = page.getByRole('link', { name: /^vmlinuz-/ }).first();
    const kernel = await page.request.get((await link.getAttribute('href'))!);
    expect(kernel.status()).toBe(200);
    expect((await kernel.body()).length).toBeGreaterThan(1_000_000);
    await context.close();
  });
}

test('a candidate is pinned with a reason, and the pin is taken off', async ({ context }) => {
  test.setTimeout(10 * 60_000);
  const page = await signIn(context, 'dennis');
  // Another menu is another release; every step of its build is known.
  await page.goto('/recipes/small');
  await live(page);
  const text = page.getByLabel('Text');
  await text.fill((await text.inputValue()).replace('Debian stable', 'Debian stable, pinned'));
  await page.getByLabel('What did you change, and why?').fill('Say in the menu what is pinned');
  await page.getByRole('button', { name: 'Save revision' }).click();
  await page.getByRole('link', { name: 'Build release' }).click();
  await page.getByLabel(/Keep the packages/).check();
  await page.getByRole('button', { name: 'Build release' }).click();
  const heading = page.getByRole('heading', { level: 1 });
  await expect(heading).toHaveText(/^Build v/);
  const name = (await heading.innerText()).replace('Build ', '');
  await live(page);
  await expect(page.locator('.page-title .badge').first()).toHaveText('succeeded', { timeout: 9 * 60_000 });
  await page.goto(`/releases/${name}`);
  await page.getByText('Pin this release').click();
  await page.getByLabel('Reason').first().fill('the demo next week');
  await page.getByRole('button', { name: 'Pin', exact: true }).click();
  await expect(page.getByText(/Pinned by dennis .*: the demo next week/)).toBeVisible();
  await page.goto('/room');
  await expect(cells(page, 'Room of releases', name).last()).toContainText('dennis pinned it: the demo next week');
  await page.goto(`/releases/${name}`);
  await page.getByRole('button', { name: 'Take the pin off' }).click();
  await expect(page.getByText(/Pinned by/)).toHaveCount(0);
});

test('rules are changed by an administrator, and builds that have to wait say why', async ({ context, browser, baseURL }) => {
  const page = await signIn(context, 'ada');
  const rules = async (floor: string, logs: string) => {
    await page.goto('/room');
    await live(page);
    await page.getByText('Change how long things stay').click();
    await page.getByLabel('MiB that stay free').fill(floor);
    await page.getByLabel('Logs, and files of runs').fill(logs);
    await page.getByRole('button', { name: 'Change the rules' }).click();
  };
  const terms = page.locator('.properties');
  await rules('1000000000', '');
  await expect(page.getByRole('status').filter({ hasText: 'Builds wait for room' })).toBeVisible();
  await expect(terms).toContainText('Logs, and files of runs');
  const other = await browser.newContext({ baseURL });
  const overview = await signIn(other, 'vera');
  await expect(overview.getByText(/^Builds wait for room/)).toBeVisible();
  await other.close();
  await rules('2048', '365');
  await expect(page.getByText(/^Builds wait for room/)).toHaveCount(0);
  await expect(terms).toContainText('365 days');
});
