// Every page of the route table, on what the whole way and the kernels left behind: accessible in both colours,
// within its window from a phone's width on, whole without script, without a complaint.
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from '@playwright/test';
import { routes } from '../routes';
import { expect, live, password, signIn, test } from '../fixtures';

const widths = [1440, 390, 320];

type Session = Awaited<ReturnType<BrowserContext['storageState']>>;
let session: Session;
/** What the others made, in place of the parameters of paths. */
const made: Record<string, string> = {
  '/recipes/:name': 'small',
  '/kernels/:name': 'small',
  '/releases/:version': 'v1.1.0',
  '/variants/:name': 'probe',
  '/plans/:name': 'own-with',
  '/suites/:name': 'told-with',
  '/environments/:name': 'production',
  '/machines/:name': 'nuc-7',
  '/welcome/:token': 'spent',
  '/password/:token': 'spent',
};

/** What pages need to be asked that are about something in particular. */
const asked: Record<string, string> = {
  '/tests/case': '?id=smoke.boot',
  '/tests/release': '?about=recorded/with-v2',
  '/runs/:id/result': '?case=smoke.boot',
  '/compare': '?here=v1.1.0&base=v1.0.0&change=all',
};

const address = (path: string) =>
  path.replace(/^(\/[a-z]+)\/(:[a-z]+)/, (all, noun) => `${noun}/${made[all]}`) + (asked[path] ?? '');

test.beforeAll(async ({ browser, baseURL }) => {
  const context = await browser.newContext({ baseURL });
  const page = await signIn(context, 'ada');
  session = await context.storageState();
  const linked = async (list: string, pattern: RegExp) => {
    await page.goto(list);
    const links = await page.locator('main a').evaluateAll((all) => all.map((it) => it.getAttribute('href') ?? ''));
    const found = links.map((link) => link.match(pattern)?.[1]).find(Boolean);
    if (!found) throw new Error(`${list} links nothing like ${pattern}`);
    return found;
  };
  made['/jobs/:id'] = await linked('/releases/v1.0.0', /^\/jobs\/([^/]+)$/);
  made['/runs/:id'] = await linked('/tests/case?id=smoke.boot', /^\/runs\/([^/]+)\/result/);
  made['/guests/:id'] = await linked('/guests', /^\/guests\/([^/]+)$/);
  made['/boots/:number'] = await linked('/boots', /^\/boots\/([^/]+)$/);
  made['/deployments/:id'] = await linked('/environments/production', /^\/deployments\/([^/]+)$/);
  await context.close();
});

/** A page as ada sees it, or whoever has not signed in. */
async function opened(browser: Browser, open: boolean, options: BrowserContextOptions): Promise<Page> {
  const context = await browser.newContext({ ...options, storageState: open ? undefined : session });
  return context.newPage();
}

async function violations(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
}

/** What a page consists of, but for what script adds and what depends on the clock. */
const skeleton = async (page: Page) =>
  (await page.locator('main :is(h1, h2, h3, th, dt, button:not([data-copy]))').allTextContents()).map((it) => it.trim());

for (const { path, open } of routes()) {
  test(path, async ({ browser, baseURL, complaints }) => {
    const page = await opened(browser, open, { baseURL, reducedMotion: 'reduce' });
    complaints.watch(page);
    expect((await page.goto(address(path)))?.status()).toBe(200);
    await live(page);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await violations(page), `axe in ${colorScheme}`).toEqual([]);
    }
    for (const width of widths) {
      await page.setViewportSize({ width, height: 900 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide, `the page is no wider than a window of ${width}`).toBeLessThanOrEqual(width);
    }
    const withScript = await skeleton(page);

    const plain = await opened(browser, open, { baseURL, javaScriptEnabled: false });
    expect((await plain.goto(address(path)))?.status()).toBe(200);
    await expect(plain.getByRole('heading', { level: 1 })).toBeVisible();
    expect(await skeleton(plain), 'the same without script').toEqual(withScript);
    await plain.context().close();
    await page.context().close();
  });
}

test('what matters works without script', async ({ browser, baseURL }) => {
  const context = await browser.newContext({ baseURL, javaScriptEnabled: false });
  const page = await signIn(context, 'dennis');
  await page.goto('/recipes/new');
  const text = await page.getByLabel('Text').inputValue();
  await page.getByLabel('Name').fill('no-script');
  await page.getByLabel('Text').fill(text.replace('schema = 1', 'schema = 2'));
  await page.getByLabel('What did you change, and why?').fill('Made without script');
  await page.getByRole('button', { name: 'Save recipe' }).click();
  await expect(page.getByRole('alert')).toContainText('schema');
  await page.getByLabel('Text').fill(text);
  await page.getByRole('button', { name: 'Save recipe' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('no-script');

  await page.getByRole('link', { name: 'Build release' }).click();
  await page.getByRole('textbox', { name: 'Version' }).fill('v1.0.0-rc.1');
  await page.getByRole('button', { name: 'Build release' }).click();
  await expect(page.getByRole('alert').first()).toContainText('v1.0.0-rc.1');
  await page.getByRole('textbox', { name: 'Version' }).fill('v9.0.0-rc.1');
  await page.getByRole('button', { name: 'Build release' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Build v9.0.0-rc.1');
  await page.getByRole('button', { name: 'Cancel this job' }).click();
  await expect(async () => {
    await page.reload();
    await expect(page.locator('.page-title .badge')).toHaveText('cancelled', { timeout: 100 });
  }).toPass();
  await expect(page.locator('#log')).toBeVisible();

  await page.getByRole('button', { name: 'Dark colours' }).click();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Sign in');
  await page.getByLabel('Name').fill('dennis');
  await page.getByLabel('Password').fill(`not ${password}`);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toContainText('do not belong together');
  await context.close();
});

test('what is not there says so', async ({ browser, baseURL, complaints }) => {
  complaints.announce(404);
  const page = await opened(browser, false, { baseURL });
  complaints.watch(page);
  for (const noun of ['', 'releases/', 'jobs/', 'runs/', 'guests/', 'recipes/', 'kernels/', 'variants/', 'deployments/', 'environments/', 'machines/']) {
    const answer = await page.goto(`/${noun}none`);
    expect(answer?.status(), noun).toBe(404);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Not found');
  }
  expect(await violations(page)).toEqual([]);
  await page.context().close();
});

test('a keyboard reaches the content and the navigation', async ({ browser, baseURL, complaints }) => {
  const page = await opened(browser, false, { baseURL });
  complaints.watch(page);
  await page.goto('/releases');
  await live(page);
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Bootwright, to the overview' })).toBeFocused();
  await page.getByRole('link', { name: 'Skip to the content' }).focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.closest('main') !== null)).toBe(true);
  await page.context().close();
});
