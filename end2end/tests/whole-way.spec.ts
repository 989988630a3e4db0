// The whole way by clicking: from an empty installation to production, and back.
import { execSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { aBoot, aBuild, expect, jobSucceeds, live, password, signIn, state, test, validate } from '../fixtures';

test.describe.configure({ mode: 'serial' });

async function build(page: Page, version: string, packages: RegExp): Promise<void> {
  await page.goto('/recipes/small');
  await page.getByRole('link', { name: 'Build release' }).click();
  await expect(page.getByRole('textbox', { name: 'Version' })).toHaveValue(version);
  await page.getByLabel(packages).check();
  await page.getByRole('button', { name: 'Build release' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(`Build ${version}`);
}

async function ask(page: Page, version: string, reason: string): Promise<string> {
  await page.goto(`/releases/${version}/deployments`);
  const production = page.locator('.card', { has: page.getByRole('link', { name: 'production' }) });
  await production.getByLabel('Reason').fill(reason);
  await production.getByRole('button', { name: 'Ask for this deployment' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(`Deploy: ${version} to production`);
  return page.url();
}

async function approve(page: Page, request: string, comment: string): Promise<void> {
  await page.goto(request);
  await page.getByLabel('Comment').fill(comment);
  await page.getByRole('button', { name: 'Approve' }).click();
  await expect(state(page)).toHaveText('approved');
}

async function deploy(page: Page, request: string, version: string): Promise<void> {
  await page.goto(request);
  await page.getByLabel(/^Type .* to confirm$/).fill(version);
  await page.getByRole('button', { name: 'Deploy now' }).click();
  await expect(state(page)).toHaveText('deployed');
}

test('the first administrator begins', async ({ page, server }) => {
  await page.goto(server.welcome);
  await page.getByLabel('Name').fill('ada');
  await page.getByLabel('Password').fill('short');
  await page.getByRole('button', { name: 'Begin' }).click();
  // The browser holds the form back; nothing is spent.
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Welcome to Bootwright');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Begin' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Overview');
  await expect(page.getByRole('heading', { name: 'First: a recipe' })).toBeVisible();
  await expect(page.getByText('The boot listener answers.')).toBeVisible();

  await page.goto(server.welcome);
  await page.getByLabel('Name').fill('eve');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Begin' }).click();
  await expect(page.getByRole('alert')).toContainText('This link was used already');
});

test('an approver and a developer are added by one-time links', async ({ context, browser, server, complaints }) => {
  const page = await signIn(context, 'ada');
  for (const [name, role] of [['grace', 'approver'], ['dennis', 'developer'], ['vera', 'viewer']]) {
    await page.goto('/people');
    await page.getByLabel('Name', { exact: true }).fill(name);
    await page.getByLabel('Role', { exact: true }).selectOption(role);
    await page.getByRole('button', { name: 'Add and give a link' }).click();
    const link = await page.locator('.given code').innerText();
    expect(link).toContain(`${server.dashboard}/password/`);
    const theirs = await browser.newContext();
    const their = await theirs.newPage();
    complaints.watch(their);
    await their.goto(link);
    await their.getByLabel('New password').fill(password);
    await their.getByRole('button', { name: 'Set password and sign in' }).click();
    await expect(their.getByRole('heading', { level: 1 })).toHaveText('Overview');
    await theirs.close();
  }
});

test('a recipe is refused with its faults at their lines, then saved and changed', async ({ context, complaints }) => {
  const page = await signIn(context, 'dennis');
  complaints.announce(422);
  await page.getByRole('link', { name: 'Start from the starter recipe' }).click();
  await live(page);
  const text = await page.getByLabel('Text').inputValue();
  const twice = text.slice(text.indexOf('[[menu.entries]]'));
  await page.getByLabel('Name').fill('small');
  await page.getByLabel('Text').fill(`${text.replace('"iproute2"', '"iproute2-nonesuch"')}\n${twice}\nsuit = 1\n`);
  await page.getByLabel('What did you change, and why?').fill('Try what is refused');
  await page.getByRole('button', { name: 'Save recipe' }).click();
  const faults = page.getByRole('alert');
  await expect(faults).toContainText('nothing was saved');
  await expect(faults).toContainText('suit');
  await expect(page.getByLabel('What did you change, and why?')).toHaveValue('Try what is refused');

  await page.getByLabel('Text').fill(`${text.replace('"iproute2"', '"iproute2-nonesuch"')}\n${twice}`);
  await page.getByRole('button', { name: 'Save recipe' }).click();
  await expect(faults).toContainText('deb-netboot-6.1.y');
  const line = faults.getByRole('link').first();
  const number = (await line.innerText()).replace('Line ', '');
  await line.click();
  await expect(page.locator(`#line-${number}`)).toHaveClass('wrong');

  await page.getByLabel('Text').fill(text.replace('"iproute2"', '"iproute2-nonesuch"'));
  await page.getByRole('button', { name: 'Save recipe' }).click();
  await expect(faults).toContainText('iproute2-nonesuch');

  await page.getByLabel('Text').fill(text);
  await page.getByLabel('What did you change, and why?').fill('Begin with the starter');
  await page.getByRole('button', { name: 'Save recipe' }).click();
  await expect(page.getByText('r1,')).toBeVisible();

  await page.getByLabel('Text').fill(text.replace('Debian GNU/Linux 12', 'Debian GNU/Linux 12, small'));
  await page.getByLabel('What did you change, and why?').fill('Say at the prompt which system this is');
  await page.getByRole('button', { name: 'Save revision' }).click();
  await expect(page.getByText('r2,')).toBeVisible();
  await page.getByRole('link', { name: 'Changes' }).click();
  await expect(page.getByRole('table', { name: 'Revision 2 of small against revision 1' })).toContainText(
    'Debian GNU/Linux 12, small',
  );
  await page.getByRole('link', { name: 'Revisions' }).click();
  await expect(page.getByRole('row')).toHaveCount(3);
});

test('a release is built, with its log as it is written', async ({ context, server }, testInfo) => {
  test.setTimeout(aBuild + 60_000);
  const page = await signIn(context, 'dennis');
  await build(page, 'v1.0.0-rc.1', /Take the newest/);
  // What follows comes without loading the page again.
  await page.evaluate(() => document.body.setAttribute('data-same-page', ''));
  await expect(page.locator('#log p').nth(5)).toBeVisible({ timeout: aBuild });
  await jobSucceeds(page, aBuild);
  await expect(page.locator('body[data-same-page]')).toBeAttached();
  const numbers = await page.locator('#log p > a').allInnerTexts();
  expect(numbers).toEqual(numbers.map((_, index) => String(index + 1)));
  await page.locator('#log p > a').nth(3).click();
  await expect(page).toHaveURL(/#L4$/);

  await page.getByRole('link', { name: 'v1.0.0-rc.1' }).first().click();
  await expect(state(page)).toHaveText('candidate');
  await page.getByRole('link', { name: 'Contents' }).first().click();
  await expect(page.getByRole('row').filter({ hasText: 'openssh-server' }).first()).toBeVisible();
  await page.getByRole('link', { name: 'Files' }).click();
  const sbom = await page.request.get('/releases/v1.0.0-rc.1/files/sbom.spdx.json');
  expect((await sbom.json()).spdxVersion).toBe('SPDX-2.3');
  const folder = testInfo.outputPath();
  for (const name of ['manifest.json', 'manifest.json.minisig']) {
    const file = await page.request.get(`/releases/v1.0.0-rc.1/files/${name}`);
    writeFileSync(join(folder, name), await file.body());
  }
  const command = await page.locator('code', { hasText: 'minisign -V' }).innerText();
  expect(execSync(command, { cwd: folder }).toString()).toContain('Signature and comment signature verified');
  expect((await page.request.get(`${server.boot}/release/v1.0.0-rc.1/menu.ipxe`)).ok()).toBe(true);
  expect((await page.request.get(`${server.boot}/menu.ipxe`)).ok()).toBe(false);
});

test('building an unchanged recipe runs no step again', async ({ context }) => {
  test.setTimeout(aBuild + 60_000);
  const page = await signIn(context, 'dennis');
  await build(page, 'v1.0.0-rc.2', /Keep the packages/);
  await jobSucceeds(page, aBuild);
  await expect(page.getByText('identical to v1.0.0-rc.1').first()).toBeVisible();
});

test('the candidate boots through iPXE and its checks pass', async ({ context }) => {
  test.setTimeout(aBoot + 60_000);
  const page = await signIn(context, 'dennis');
  await validate(page, 'v1.0.0-rc.1', aBoot);
  await page.getByRole('link', { name: 'deb-netboot-6.1.y' }).first().click();
  await expect(state(page)).toHaveText('passed');
  await expect(page.getByRole('table', { name: 'Cases' }).getByRole('row')).toHaveCount(10);
  for (const stage of ['script', 'kernel', 'initrd', 'rootfs', 'init', 'login']) {
    await expect(page.locator('section', { hasText: 'Boot' }).getByText(stage).first()).toBeVisible();
  }
  await expect(page.getByRole('region', { name: 'Console of the machine' })).toContainText('rootfs-v1 login:');
});

test('production needs somebody else, then serves the release at once', async ({ context, browser, server, complaints }) => {
  const dennis = await signIn(context, 'dennis');
  const request = await ask(dennis, 'v1.0.0-rc.1', 'The first system that machines can boot');
  await expect(dennis.getByRole('button', { name: 'Approve' })).toBeDisabled();
  await expect(dennis.locator('.reason').first()).toBeVisible();

  const theirs = await browser.newContext({ baseURL: server.dashboard });
  const grace = await signIn(theirs, 'grace');
  complaints.watch(grace);
  await expect(grace.getByRole('link', { name: 'v1.0.0-rc.1 to production' })).toBeVisible();
  await approve(grace, request, 'Boots and passes');
  await theirs.close();
  await deploy(dennis, request, 'v1.0.0-rc.1');
  const menu = async (path: string) => (await dennis.request.get(`${server.boot}${path}`)).text();
  expect(await menu('/menu.ipxe')).toBe(await menu('/release/v1.0.0/menu.ipxe'));
  await dennis.goto('/');
  const production = dennis.locator('.card', { has: dennis.getByRole('link', { name: 'production' }) });
  await expect(production.getByRole('link', { name: 'v1.0.0', exact: true })).toBeVisible();
});

test('a second release replaces the first, and is rolled back', async ({ context, browser, server, complaints }) => {
  test.setTimeout(aBuild + aBoot);
  const dennis = await signIn(context, 'dennis');
  await dennis.goto('/recipes/small');
  const text = await dennis.getByLabel('Text').inputValue();
  await dennis.getByLabel('Text').fill(text.replace('"pciutils",', '"pciutils",\n  "ethtool",'));
  await dennis.getByLabel('What did you change, and why?').fill('ethtool, to look at links');
  await dennis.getByRole('button', { name: 'Save revision' }).click();
  await expect(dennis.getByText('r3,')).toBeVisible();
  const menu = async (path: string) => (await dennis.request.get(`${server.boot}${path}`)).text();
  const before = await menu('/menu.ipxe');
  await build(dennis, 'v1.1.0-rc.1', /Take the newest/);
  await jobSucceeds(dennis, aBuild);
  await dennis.goto('/releases/v1.1.0-rc.1');
  await expect(dennis.locator('section', { hasText: 'What changed against production' })).toContainText('ethtool');
  await validate(dennis, 'v1.1.0-rc.1', aBoot);
  await dennis.goto('/releases/v1.1.0-rc.1/notes');
  await dennis.getByLabel('Release notes').fill('ethtool is there.\n<script>alert(1)</script>');
  await dennis.getByLabel('Known issues').fill('Links of 10 Gbit/s were not tried.');
  await dennis.getByRole('button', { name: 'Save notes' }).click();
  await expect(dennis.locator('.prose').first()).toHaveText('ethtool is there.\n<script>alert(1)</script>');
  const request = await ask(dennis, 'v1.1.0-rc.1', 'ethtool was asked for');

  const theirs = await browser.newContext({ baseURL: server.dashboard });
  const grace = await signIn(theirs, 'grace');
  complaints.watch(grace);
  await approve(grace, request, 'Only one package more');
  await deploy(grace, request, 'v1.1.0-rc.1');
  expect(await menu('/menu.ipxe')).toBe(await menu('/release/v1.1.0/menu.ipxe'));
  await grace.goto('/releases/v1.1.0/notes');
  await expect(grace.getByText('Links of 10 Gbit/s were not tried.')).toBeVisible();
  await expect(grace.locator('dt', { hasText: 'Frozen' })).toBeVisible();
  await expect(grace.getByRole('button', { name: 'Save notes' })).toHaveCount(0);

  await grace.goto('/environments/production');
  await grace.getByRole('link', { name: 'Roll back to this…' }).click();
  await grace.getByLabel('Reason').fill('A board lost its link');
  await grace.getByLabel('Type v1.0.0 to confirm').fill('v1.0');
  await grace.getByRole('button', { name: 'Roll back now' }).click();
  await expect(grace.getByRole('alert')).toContainText('v1.0.0');
  await grace.getByLabel('Reason').fill('A board lost its link');
  await grace.getByLabel('Type v1.0.0 to confirm').fill('v1.0.0');
  await grace.getByRole('button', { name: 'Roll back now' }).click();
  await expect(grace.getByText('Rolled back to v1.0.0')).toBeVisible();
  expect(await menu('/menu.ipxe')).toBe(before);
  await theirs.close();
  expect(server.verifyAudit()).toContain('none edited, removed or inserted');
});

test('a viewer sees what may not be done, and why', async ({ context, complaints }) => {
  complaints.announce(403);
  const page = await signIn(context, 'vera');
  await page.goto('/recipes/small/build');
  await expect(page.getByRole('button', { name: 'Build release' })).toBeDisabled();
  await expect(page.locator('.reason')).toContainText('viewer');
  await page.goto('/people');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Not allowed');
});
