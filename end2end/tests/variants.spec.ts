// A variant is composed by clicking, with and without script, built, looked at, cloned and removed; on the
// release that the whole way left behind.
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { aBoot, aBuild, expect, jobSucceeds, live, openPart, signIn, state, test } from '../fixtures';

test.describe.configure({ mode: 'serial' });

const summary = (page: Page) => page.getByRole('complementary', { name: 'What it would do' });
const text = (page: Page) => page.getByRole('textbox', { name: 'The same in TOML' });

async function add(page: Page, section: string, button: string): Promise<void> {
  await openPart(page, section);
  await page.getByRole('button', { name: button }).click();
}

test('with script the summary follows what is typed', async ({ context, complaints }) => {
  test.setTimeout(aBuild + 120_000);
  complaints.announce(422);
  const page = await signIn(context, 'dennis');
  await page.goto('/variants');
  await expect(page.getByText('There is no variant yet')).toBeVisible();
  await page.goto('/releases/v1.0.0');
  await page.getByRole('link', { name: 'Make a variant of it' }).click();
  await live(page);
  await expect(page.getByLabel('Release', { exact: true })).toHaveValue('v1.0.0');
  await page.evaluate(() => document.body.setAttribute('data-same-page', ''));
  await page.getByLabel('Name', { exact: true }).fill('probe');
  await page.getByLabel('What is it for?').fill('Tries htop');

  // What is searched for is found and added; the cursor stays where somebody types.
  await page.getByLabel('Search the archive').click();
  await page.keyboard.type('htop viewer', { delay: 30 });
  const hits = page.getByRole('region', { name: 'Packages that were found' });
  await expect(hits.getByRole('row').filter({ hasText: 'htop' })).toContainText('interactive');
  await expect(page.getByLabel('Search the archive')).toBeFocused();
  await hits.getByRole('button', { name: 'Add htop' }).click();
  await expect(page.getByLabel('Packages to add')).toHaveValue('htop');
  await expect(summary(page)).toContainText('Comes along');
  await expect(summary(page).locator('.package-list')).toContainText(['htop', 'libnl']);
  await expect(hits.getByText('added')).toBeVisible();

  // What does not exist is said with the nearest names.
  await page.getByLabel('Packages to add').fill('htop\nhtoop');
  await expect(summary(page)).toContainText('apt refuses');
  await expect(summary(page)).toContainText('htop');
  await page.getByLabel('Packages to add').fill('htop\nHtop');
  await expect(summary(page).getByRole('link', { name: 'packages.add.1' })).toBeVisible();

  // What a release has already would change nothing of it.
  await page.getByLabel('Packages to add').fill('htop\npciutils');
  await expect(summary(page)).toContainText('What does nothing on v1.0.0');
  await expect(summary(page)).toContainText('Nothing called pciutils is added');
  await page.getByLabel('Packages to add').fill('htop');
  await expect(summary(page)).not.toContainText('What does nothing');

  // What would go along needs a word.
  await page.getByLabel('Packages to add').fill('htop');
  await page.getByLabel('Packages to remove').fill('libedit2');
  await expect(summary(page)).toContainText('more would go');
  await page.getByRole('button', { name: 'Save and build' }).click();
  await expect(page.getByRole('link', { name: 'packages.accept_removal' })).toBeVisible();
  await live(page);
  const boxes = summary(page).getByRole('checkbox');
  await expect(boxes.first()).not.toBeChecked();
  await page.getByLabel('Packages to remove').fill('');
  await expect(summary(page)).not.toContainText('more would go');

  // Rows come and go in place, a file is uploaded once, and the text says the same.
  await add(page, 'files', 'Add a file');
  await expect(page.getByLabel('Path').first()).toBeFocused();
  await page.getByLabel('Path').fill('/etc/motd');
  await page.getByLabel('Or a file').setInputFiles({ name: 'motd', mimeType: 'text/plain', buffer: Buffer.from('hello\n') });
  await expect(page.getByRole('checkbox', { name: /motd/ })).toBeChecked();
  await openPart(page, 'text');
  await expect(text(page)).toHaveValue(/path = "\/etc\/motd"/);
  await text(page).fill((await text(page).inputValue()).replace('base = "v1.0.0"', 'base = "v1.0.0"\nhostname = "probe-7"'));
  await expect(page.getByLabel('Host name')).toHaveValue('probe-7');
  await text(page).fill(`${await text(page).inputValue()}\nnonsense = 1\n`);
  await expect(page.locator('.state')).toContainText('nonsense');
  await text(page).fill((await text(page).inputValue()).replace('nonsense = 1', ''));
  await expect(page.locator('.state')).not.toContainText('nonsense');
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`)).toEqual([]);

  await page.getByRole('button', { name: 'Save and build' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Variant probe');
  await jobSucceeds(page, aBuild);
});

test('a variant says what it is, how it boots and where the seconds went', async ({ context, server, browser }) => {
  const page = await signIn(context, 'dennis');
  await page.goto('/variants');
  await page.getByLabel('State').selectOption('ready');
  await page.getByRole('button', { name: 'Show' }).click();
  await page.getByRole('region', { name: 'Variants' }).getByRole('link', { name: 'probe' }).click();
  await expect(state(page)).toHaveText('ready');
  await expect(page.getByText('/variant/probe/menu.ipxe').first()).toBeVisible();
  await expect(page.getByRole('button', { name: 'Boot in a VM' })).toBeEnabled();
  await expect(page.getByRole('img', { name: /in all, step by step/ })).toBeVisible();
  await expect(page.getByText(/The layer is .* of the image below it/)).toBeVisible();
  await expect(page.locator('.properties').first()).toContainText('probe-7');
  expect(await (await page.request.get(`${server.boot}/variant/probe/menu.ipxe`)).text()).toContain('layer.squashfs');
  await page.getByText('Give it more days').first().click();
  await page.getByLabel('Days', { exact: true }).fill('2');
  await page.getByRole('button', { name: 'Extend' }).click();
  await expect(page.getByText('Its days are almost over.')).toBeVisible();
  await page.goto('/');
  await expect(page.getByRole('heading', { name: 'Your variants that end' })).toBeVisible();

  const theirs = await browser.newContext({ baseURL: server.dashboard });
  const vera = await signIn(theirs, 'vera');
  await vera.goto('/variants/probe');
  await expect(vera.getByRole('button', { name: 'Build', exact: true })).toBeDisabled();
  await expect(vera.locator('.reason').first()).toContainText('viewer');
  await theirs.close();
});

test('it fills a slot of development until that is emptied', async ({ context, server }) => {
  const page = await signIn(context, 'dennis');
  const menu = async () => (await page.request.get(`${server.boot}/env/development/menu.ipxe`)).text();
  const before = await menu();
  expect(before).not.toContain('layer.squashfs');
  await page.goto('/environments/development');
  const slot = page.locator('dl > div').filter({ hasText: 'Variant for vmlinuz-dev' });
  await expect(slot).toContainText('as the release says');
  await slot.getByLabel('Variant for vmlinuz-dev').selectOption('probe');
  await slot.getByRole('button', { name: 'Fill it' }).click();
  await expect(slot.getByRole('link', { name: 'variant probe' })).toBeVisible();
  await expect(slot).toContainText('Boots as vmlinuz-dev.');
  const filled = await menu();
  expect(filled).toContain('Variant probe as vmlinuz-dev');
  expect(filled).toContain('layer.squashfs');
  await slot.getByRole('button', { name: 'Empty it' }).click();
  await expect(slot).toContainText('as the release says');
  expect(await menu()).toBe(before);
});

test('what it changes is looked at and saved as the next revision of the recipe', async ({ context, server, browser, complaints }) => {
  complaints.announce(409);
  const page = await signIn(context, 'dennis');
  await page.goto('/variants/probe');
  await page.getByRole('link', { name: 'See it as a recipe change' }).click();
  const change = page.getByRole('table', { name: /with what probe changes against revision/ });
  await expect(change.getByRole('row').filter({ hasText: '"htop",' })).toContainText('+');
  await expect(page.locator('section', { hasText: 'Left out' })).toContainText('the host name');
  const save = page.getByRole('button', { name: 'Save as revision' });
  const number = Number((await save.innerText()).replace('Save as revision ', ''));

  const watching = await browser.newContext({ baseURL: server.dashboard });
  const vera = await signIn(watching, 'vera');
  await vera.goto('/variants/probe/recipe-change');
  await expect(vera.getByRole('button', { name: 'Save as revision' })).toBeDisabled();
  await expect(vera.locator('.reason')).toContainText('viewer');
  await watching.close();

  // Somebody saves another revision meanwhile: nothing of both is lost.
  const theirs = await browser.newContext({ baseURL: server.dashboard });
  const grace = await signIn(theirs, 'grace');
  complaints.watch(grace);
  await grace.goto('/recipes/small');
  await live(grace);
  const recipe = grace.getByLabel('Text');
  await recipe.fill((await recipe.inputValue()).replace('timeout_ms = 3000', 'timeout_ms = 4000'));
  await grace.getByLabel('What did you change, and why?').fill('More time to choose');
  await grace.getByRole('button', { name: 'Save revision' }).click();
  await expect(grace.getByText(`r${number},`)).toBeVisible();
  await page.getByLabel('What did you change, and why?').fill('htop helped');
  await save.click();
  await expect(page.getByRole('alert')).toContainText(`revision ${number} of small now, which grace saved`);
  await expect(page.getByLabel('What did you change, and why?')).toHaveValue('htop helped');
  await page.getByRole('button', { name: `Save as revision ${number + 1}` }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('small');
  await expect(page.getByText(`r${number + 1},`)).toBeVisible();
  const text = await page.getByLabel('Text').inputValue();
  expect(text).toContain('"htop",');
  expect(text).toContain('timeout_ms = 4000');
  await page.goto('/variants/probe/recipe-change');
  await expect(page.getByText('The recipe says all of it already')).toBeVisible();
  await theirs.close();
});

test('its results stand beside those of its base', async ({ context }) => {
  test.setTimeout(aBoot);
  const page = await signIn(context, 'dennis');
  await page.goto('/variants/probe/comparison');
  await expect(page.getByText('No test of it has ended yet')).toBeVisible();
  await page.getByRole('link', { name: 'To the variant, to test it' }).click();
  await page.getByRole('button', { name: 'Test on a QEMU machine' }).click();
  await jobSucceeds(page, aBoot);
  await page.goto('/variants/probe');
  await page.getByRole('link', { name: 'See them beside those of its base' }).click();
  await expect(page.getByText('Beside v1.0.0: nothing differs.')).toBeVisible();
  const cases = page.getByRole('table', { name: 'Cases on both sides' });
  await expect(cases.getByRole('row').filter({ hasText: 'smoke.kernel' })).toContainText(/unchanged.*passed.*passed/);
  await page.getByRole('link', { name: 'The run of the base' }).click();
  await expect(page.getByRole('link', { name: 'v1.0.0' }).first()).toBeVisible();
});

test('without script buttons do the same, and nothing is lost', async ({ browser, baseURL }) => {
  test.setTimeout(aBuild + 60_000);
  const context = await browser.newContext({ baseURL, javaScriptEnabled: false });
  const page = await signIn(context, 'dennis');
  await page.goto('/variants/probe');
  await page.getByRole('link', { name: 'Clone' }).click();
  await expect(page.getByLabel('Packages to add')).toHaveValue('htop');
  await expect(summary(page)).toContainText('Comes');
  await page.getByLabel('Name', { exact: true }).fill('plain');

  await page.getByLabel('Search the archive').fill('tree');
  await page.getByLabel('Search the archive').press('Enter');
  await page.getByRole('button', { name: 'Add tree', exact: true }).click();
  await expect(page.getByLabel('Packages to add')).toHaveValue('htop\ntree');
  await add(page, 'users', 'Add a user');
  await page.getByLabel('Account').fill('probe');
  await add(page, 'kernels', 'Add a kernel');
  await expect(page.getByLabel('Account')).toHaveValue('probe');
  await page.getByLabel('Alias').fill('vmlinuz-dev');
  await page.getByRole('radio', { name: 'Uploaded' }).check();
  await page.getByLabel('A bzImage').setInputFiles({ name: 'bzImage', mimeType: 'application/octet-stream', buffer: Buffer.from('x') });
  await page.getByRole('button', { name: 'Look what it would do' }).click();
  await expect(page.getByRole('checkbox', { name: /bzImage/ })).toBeChecked();
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('plain');
  await page.getByRole('button', { name: 'Remove vmlinuz-dev' }).click();
  await expect(page.getByLabel('Alias')).toHaveCount(0);

  await page.locator('#form-text > summary').click();
  const written = await text(page).inputValue();
  await text(page).fill(written.replace('name = "probe"', 'name = "Probe"'));
  await page.getByRole('button', { name: 'Take the text over into the form' }).click();
  await expect(page.locator('.state')).toContainText('Line');
  await text(page).fill(written.replace('name = "probe"', 'name = "ann"'));
  await page.getByRole('button', { name: 'Take the text over into the form' }).click();
  await expect(page.getByLabel('Account')).toHaveValue('ann');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('plain');
  await expect(page.locator('.properties').first()).toContainText('ann');

  // On another base: what it would be there, before anything is saved.
  await page.getByLabel('Release', { exact: true }).selectOption('v1.0.0');
  await page.getByRole('button', { name: 'Look at it there' }).click();
  await expect(summary(page)).toContainText('v1.0.0');
  await page.goto('/variants/plain');
  await page.locator('#delete > summary').click();
  await page.getByLabel('Type plain to confirm').fill('plain');
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Variants');
  await expect(page.getByText('plain')).toHaveCount(0);
  await context.close();
});
