// A recipe is edited by form beside its text, with and without script, on what the whole way left behind.
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, live, openPart, signIn, test } from '../fixtures';

const text = (page: Page) => page.getByLabel('Text', { exact: true });

test('with script form and text are in step both ways', async ({ context, complaints }) => {
  const page = await signIn(context, 'ada');
  await page.goto('/recipes/new');
  await live(page);
  await expect(page.getByRole('button', { name: 'Apply to the text' })).toBeHidden();
  const before = await text(page).inputValue();

  await page.getByLabel('Suite').click();
  await page.keyboard.press('End');
  await page.keyboard.press('Backspace');
  await page.keyboard.type('-form', { delay: 40 });
  await expect(text(page)).toHaveValue(before.replace('"bookworm"', '"bookwor-form"'));
  await expect(page.getByLabel('Suite')).toBeFocused();
  await page.keyboard.type('!');
  await expect(page.getByLabel('Suite')).toHaveValue('bookwor-form!');

  await text(page).fill(before.replace('timeout_ms = 3000', 'timeout_ms = 4321'));
  await openPart(page, 'menu');
  await expect(page.getByLabel('Waits, in milliseconds')).toHaveValue('4321');
  await expect(page.getByLabel('Suite')).toHaveValue('bookworm');

  // The cursor stays where somebody types, whatever comes from the other side.
  await text(page).evaluate((area: HTMLTextAreaElement) => {
    const at = area.value.indexOf('[[files]]');
    area.focus();
    area.setSelectionRange(at, at);
  });
  await page.keyboard.type('[[users]]\nname = "ann"\n\n', { delay: 20 });
  await expect(page.locator('#form-users legend')).toHaveText(['root', 'ann']);
  await page.keyboard.type('# typed on\n');
  expect(await text(page).inputValue()).toContain('[[users]]\nname = "ann"\n\n# typed on\n[[files]]');
  await expect(page.locator('.numbers li')).toHaveCount((await text(page).inputValue()).split('\n').length);

  await openPart(page, 'users');
  await page.getByRole('button', { name: 'Remove ann' }).click();
  await expect(text(page)).not.toHaveValue(/name = "ann"/);
  await expect(page.getByRole('button', { name: 'Add account' })).toBeFocused();
  await page.getByRole('button', { name: 'Add account' }).click();
  await expect(page.getByLabel('Account', { exact: true }).nth(1)).toBeFocused();
  await page.keyboard.type('bob');
  await expect(text(page)).toHaveValue(/\[\[users\]\]\nname = "bob"\n/);

  // What is no TOML is said, and nothing is written over.
  const whole = await text(page).inputValue();
  const broken = whole.replace('  "udev",', '  "udev,');
  await text(page).fill(broken);
  const line = broken.split('\n').indexOf('  "udev,') + 1;
  await expect(page.getByRole('status').filter({ hasText: 'cannot be read' })).toContainText(`line ${line} `);
  await page.getByLabel('Suite').fill('sid');
  await page.waitForResponse('**/recipe-form');
  expect(await text(page).inputValue()).toBe(broken);
  await expect(page.getByLabel('Suite')).toHaveValue('sid');
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);
  await text(page).fill(whole);
  await expect(text(page)).toHaveValue(whole.replace('"bookworm"', '"sid"'));
  await expect(page.getByText('cannot be read')).toHaveCount(0);

  // Without the server both sides are kept, and the buttons are back.
  complaints.announce(500);
  await page.route('**/recipe-form', (route) => route.fulfill({ status: 500, body: 'no' }));
  await page.getByLabel('Suite').fill('forky');
  await expect(page.getByRole('button', { name: 'Apply to the text' })).toBeVisible();
  await page.getByRole('button', { name: 'Apply to the text' }).click();
  await expect(page.getByText('Nothing is saved yet')).toBeVisible();
  await expect(text(page)).toHaveValue(/suite = "forky"/);
});

test('without script buttons do the same, and nothing is lost', async ({ browser, baseURL }) => {
  const context = await browser.newContext({ baseURL, javaScriptEnabled: false });
  const page = await signIn(context, 'ada');
  await page.goto('/recipes/new');
  const before = await text(page).inputValue();
  const says = async () => (await text(page).inputValue()).trimEnd();

  await page.getByLabel('Suite').fill('trixie');
  await page.getByRole('button', { name: 'Apply to the text' }).click();
  expect(await says()).toBe(before.replace('"bookworm"', '"trixie"').trimEnd());
  await text(page).fill(before);
  await page.getByRole('button', { name: 'Read the form from the text' }).click();
  await expect(page.getByLabel('Suite')).toHaveValue('bookworm');

  await page.locator('#form-users > summary').click();
  await page.getByRole('button', { name: 'Add account' }).click();
  await expect(page.locator('#form-users')).toHaveAttribute('open', '');
  await page.getByLabel('Account', { exact: true }).nth(1).fill('ann');
  await page.getByRole('button', { name: 'Remove root' }).click();
  await expect(page.locator('#form-users legend')).toHaveText(['ann']);
  expect(await says()).not.toContain('name = "root"');

  // Changed in the form and saved at once; return in a field saves, and takes no row out.
  const name = `form-${Date.now()}`;
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('What did you change, and why?').fill('By form');
  await page.getByLabel('Suite').fill('trixie');
  await page.getByLabel('Suite').press('Enter');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(name);
  await expect(page.getByLabel('Suite')).toHaveValue('trixie');
  expect(await says()).toContain('suite = "trixie"');
  expect(await says()).toContain('name = "ann"');

  // Changed on both sides, differently: somebody has to choose.
  await text(page).fill((await says()).replace('"trixie"', '"sid"') + '\n');
  await page.getByLabel('Suite').fill('forky');
  await page.getByLabel('What did you change, and why?').fill('Two ways');
  await page.getByRole('button', { name: 'Save revision' }).click();
  await expect(page.getByRole('alert')).toContainText('"suite" was changed in the form and in the text');
  await page.getByRole('button', { name: 'Apply to the text' }).click();
  expect(await says()).toContain('suite = "forky"');
  await context.close();
});
