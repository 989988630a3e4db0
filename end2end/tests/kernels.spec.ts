// Kernels by clicking: one is added with its faults corrected, configured, built, compared, used as
// the base of another, and removed once nothing needs it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, jobSucceeds, live, signIn, state, test } from '../fixtures';

// The tree is unpacked and configured; compiling takes as long as it takes where no step is known.
const aConfiguration = 10 * 60_000;
const aCompilation = 40 * 60_000;

/** The small kernel of the tests: its steps are in the cache that all tests share. */
const fragment = readFileSync(join(import.meta.dirname, '..', '..', 'examples', 'small-linux.config'), 'utf8');

test.describe.configure({ mode: 'serial' });

const tab = (page: Page, name: string) =>
  page.getByRole('navigation', { name: 'Parts of this kernel' }).getByRole('link', { name });
const lines = (page: Page, number: number) =>
  page.getByRole('group', { name: `Fragment ${number}` }).getByLabel('Lines');

/** Fills in the source that all kernels of these tests have. */
async function sourced(page: Page, name: string): Promise<void> {
  await page.goto('/kernels/new');
  await page.getByLabel('Name', { exact: true }).first().fill(name);
  await page.getByLabel(/^Debian source package/).check();
  await page.locator('#source-suite').fill('bookworm');
  await page.locator('#source-package').fill('linux-source-6.1');
}

test('a kernel is added; what is wrong is said, and nothing that was typed or uploaded is lost', async ({ context, complaints }) => {
  complaints.announce(422);
  const page = await signIn(context, 'dennis');
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Kernels' }).click();
  await expect(page.getByText('There is no kernel yet')).toBeVisible();
  await page.getByRole('link', { name: 'Add a kernel' }).click();

  // Only the fields of the chosen kind are shown, and what is compiled elsewhere has no configuration.
  await expect(page.getByLabel('Repository', { exact: true })).toBeHidden();
  await page.getByLabel(/^Git repository/).check();
  await expect(page.getByLabel('Repository', { exact: true })).toBeVisible();
  await page.getByLabel(/^Uploaded packages/).check();
  await expect(page.getByRole('button', { name: 'Add a fragment' })).toBeHidden();

  await sourced(page, 'Small');
  await page.getByLabel('Target', { exact: true }).fill('tinyconfig');
  await lines(page, 1).fill('CONFIG_VIRTIO_NET\n');
  await page.getByRole('button', { name: 'Add a fragment' }).click();
  await lines(page, 2).fill('CONFIG_SWAP=y\n');
  await page.getByLabel('Patches to add').setInputFiles({
    name: 'readme.patch',
    mimeType: 'text/x-patch',
    buffer: Buffer.from('--- a/README\n+++ b/README\n@@ -1 +1,2 @@\n Linux kernel\n+patched\n'),
  });
  await page.getByRole('button', { name: 'Add kernel' }).last().click();
  const faults = page.getByRole('alert').first();
  await expect(faults).toContainText('2 faults; nothing was saved');
  await expect(faults).toContainText("A kernel's name");
  await expect(faults).toContainText('is not a line of a configuration');
  await expect(lines(page, 2)).toHaveValue('CONFIG_SWAP=y\n');
  await expect(page.getByLabel('Target', { exact: true })).toHaveValue('tinyconfig');
  const patch = page.getByLabel(/readme\.patch/);
  await expect(patch).toBeChecked();
  await patch.uncheck();

  await page.getByRole('button', { name: 'Remove fragment 2' }).click();
  await expect(page.getByRole('group', { name: 'Fragment 2' })).toHaveCount(0);
  await expect(page.getByLabel(/readme\.patch/)).toHaveCount(0);
  await page.getByLabel('Name', { exact: true }).first().fill('small');
  // An option whose dependency is not met does not stick.
  await lines(page, 1).fill(`${fragment}\nCONFIG_BTRFS_FS_POSIX_ACL=y\n`);
  await page.getByRole('button', { name: 'Add kernel' }).last().click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('small');
  await expect(state(page)).toHaveText('new');
  await expect(page.locator('.properties').first()).toContainText('linux-source-6.1/bookworm');
});

test('its configuration is worked out, and what did not stick says why', async ({ context }) => {
  test.setTimeout(aConfiguration + 60_000);
  const page = await signIn(context, 'dennis');
  await page.goto('/kernels/small');
  await page.getByRole('button', { name: 'Work out the configuration' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Kernel small');
  await jobSucceeds(page, aConfiguration);
  await page.locator('.properties').getByRole('link', { name: 'small' }).click();
  await expect(state(page)).toHaveText('configured');
  await expect(page.getByRole('status').filter({ hasText: 'did not stick' })).toBeVisible();
  await tab(page, 'Configuration').click();
  const missed = page.getByRole('region', { name: 'did not stick' });
  const option = missed.getByRole('listitem').filter({ hasText: 'BTRFS_FS_POSIX_ACL' });
  await expect(option).toContainText('local asks for y, and it is not set.');
  await expect(option.locator('p').last()).toContainText('BTRFS_FS');
  const config = await page.request.get('/kernels/small/builds/1/files/config');
  expect(await config.text()).toContain('CONFIG_VIRTIO_NET=y');
});

test('it is built for releases, with its log as it is written', async ({ context }) => {
  test.setTimeout(aCompilation + 60_000);
  const page = await signIn(context, 'dennis');
  await page.goto('/kernels/small/edit');
  await lines(page, 1).fill(fragment);
  await page.getByRole('button', { name: 'Save changes' }).last().click();
  await expect(page.getByText('r2,')).toBeVisible();
  await expect(page.getByText('It was made from r1; the kernel was changed since.')).toBeVisible();
  await page.getByRole('button', { name: 'Build for releases' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Kernel small');
  await live(page);
  await page.evaluate(() => document.body.setAttribute('data-same-page', ''));
  await jobSucceeds(page, aCompilation);
  await expect(page.locator('body[data-same-page]')).toBeAttached();
  await expect(page.locator('#log p').first()).toBeVisible();

  await page.goto('/kernels/small');
  await expect(state(page)).toHaveText('built');
  await tab(page, 'Files').click();
  const files = page.getByRole('region', { name: 'Files', exact: true });
  for (const name of [/^vmlinuz-6\.1\./, /^config-6\.1\./, /^System\.map-6\.1\./, /^linux-image-.*\.deb$/]) {
    await expect(files.getByRole('link', { name })).toHaveCount(1);
  }
  const link = files.getByRole('link', { name: /^vmlinuz-/ });
  const image = await (await page.request.get((await link.getAttribute('href'))!)).body();
  // The header of a bzImage (Linux Documentation/arch/x86/boot.rst).
  expect(image.subarray(0x202, 0x206).toString('latin1')).toBe('HdrS');
  const record = await (await page.request.get('/kernels/small/builds/2/files/record.json')).json();
  expect(record.files.map((file: { name: string }) => file.name)).toContain(await link.innerText());
  await expect(page.getByRole('region', { name: 'The commands that build it again' })).toContainText('make');
  await expect(page.locator('.steps > li').filter({ hasText: 'compile' })).toBeVisible();
  await tab(page, 'Builds').click();
  await expect(page.getByRole('region', { name: 'Builds' }).getByRole('row')).toHaveCount(3);
});

test('configurations are compared, searched and narrowed', async ({ context, complaints }) => {
  test.setTimeout(aConfiguration + 60_000);
  complaints.announce(404);
  const page = await signIn(context, 'dennis');
  await sourced(page, 'fused');
  await page.getByLabel(/^Another kernel's/).check();
  await page.locator('#base-kernel').selectOption('small');
  await lines(page, 1).fill('CONFIG_FUSE_FS=y\nCONFIG_LOCALVERSION="-fused"\n# CONFIG_VIRTIO_BLK is not set\n');
  await page.getByRole('button', { name: 'Add kernel' }).last().click();
  await page.getByRole('button', { name: 'Work out the configuration' }).click();
  await jobSucceeds(page, aConfiguration);

  await page.goto('/kernels');
  await page.getByRole('link', { name: 'Compare configurations' }).click();
  await page.getByLabel('From', { exact: true }).fill('small/2');
  await page.getByLabel('to', { exact: true }).fill('fused');
  await page.getByRole('button', { name: 'Compare' }).click();
  const options = page.getByRole('region', { name: 'Options of small/2 against those of fused' });
  const row = (name: string) => options.getByRole('row').filter({ has: page.getByText(name, { exact: true }) });
  await expect(row('FUSE_FS')).toContainText(/set.*not set.*y/);
  await expect(row('LOCALVERSION')).toContainText(/changed.*"-bootwright".*"-fused"/);
  await expect(row('VIRTIO_BLK')).toContainText(/unset/);
  const menus = await options.getByRole('rowheader').allInnerTexts();
  expect(new Set(menus).size, 'each menu is one group').toBe(menus.length);
  await page.getByRole('link', { name: /^\d+ changed$/ }).click();
  await expect(row('LOCALVERSION')).toBeVisible();
  await expect(row('FUSE_FS')).toHaveCount(0);
  await page.getByLabel('Option or menu contains').fill('CONFIG_LOCALV');
  await page.getByRole('button', { name: 'Search' }).click();
  await expect(options.locator('tbody tr:not(.menu)')).toHaveCount(1);
  await page.goto('/kernels/diff?from=small&to=none');
  await expect(page.getByRole('alert')).toContainText('There is no kernel');
});

test('lists are filtered, and a kernel is removed once nothing needs it', async ({ context, complaints }) => {
  complaints.announce(422);
  // The page hears that its kernel is gone before it is left.
  complaints.announce(404);
  const page = await signIn(context, 'dennis');
  await page.goto('/kernels');
  const kernels = page.getByRole('region', { name: 'Kernels' });
  await expect(kernels.getByRole('row')).toHaveCount(3);
  await page.getByLabel('State').selectOption('configured');
  await page.getByRole('button', { name: 'Show' }).click();
  await expect(kernels.getByRole('row')).toHaveCount(2);
  await page.getByLabel('Flavor').selectOption('xen');
  await page.getByRole('button', { name: 'Show' }).click();
  await expect(page.getByText('No kernel is like that.')).toBeVisible();

  await page.goto('/kernels/small');
  await expect(page.locator('section', { hasText: 'Used by' }).last()).toContainText('fused');
  await page.getByText('Remove this kernel').click();
  await expect(page.getByRole('button', { name: 'Remove', exact: true })).toBeDisabled();
  await expect(page.locator('#delete .reason')).toContainText('fused');

  await page.goto('/kernels/fused');
  await page.getByText('Remove this kernel').click();
  await page.getByLabel('Type fused to confirm').fill('swap');
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await expect(page.getByRole('alert')).toContainText('Type fused to confirm');
  await page.getByLabel('Type fused to confirm').fill('fused');
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Kernels');
  await expect(kernels.getByRole('row')).toHaveCount(2);
});

test('a kernel is added without script', async ({ browser, baseURL }) => {
  const context = await browser.newContext({ baseURL, javaScriptEnabled: false });
  const page = await signIn(context, 'dennis');
  await sourced(page, 'no-script');
  await page.getByLabel(/^A file/).check();
  await page.getByLabel('A .config', { exact: true }).setInputFiles({
    name: 'my.config',
    mimeType: 'text/plain',
    buffer: Buffer.from('CONFIG_64BIT=y\n'),
  });
  await page.getByRole('button', { name: 'Add a fragment' }).click();
  await expect(page.getByRole('group', { name: 'Fragment 2' })).toBeVisible();
  await expect(page.getByLabel(/my\.config/)).toBeChecked();
  await page.getByRole('button', { name: 'Add kernel' }).last().click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('no-script');
  await expect(page.locator('.properties').first()).toContainText('my.config');
  await page.getByText('Remove this kernel').click();
  await page.getByLabel('Type no-script to confirm').fill('no-script');
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await expect(page.getByText('no-script')).toHaveCount(0);
  await context.close();
});

test('a viewer sees what may not be done, and why', async ({ context }) => {
  const page = await signIn(context, 'vera');
  await page.goto('/kernels/small');
  await expect(page.getByRole('button', { name: 'Build for releases' })).toBeDisabled();
  await expect(page.locator('.reason').first()).toContainText('viewer');
  await page.goto('/kernels/new');
  await expect(page.getByRole('button', { name: 'Add kernel' }).last()).toBeDisabled();
});
