// A guest's console in the browser: what it writes acts nowhere, the keyboard changes hands, a role falls, a
// connection is cut. The first test goes on in the guest of variant-proof.spec.ts, where dennis is signed in.
import { aBoot, expect, live, screen, signIn, test, type } from '../fixtures';

test('the console is written to, handed over and cut off', async ({ context, browser, server, complaints }) => {
  test.setTimeout(aBoot);
  // Violations of the page's policy are complaints, and so the test fails on them.
  const dennis = await signIn(context, 'dennis');
  await dennis.goto('/guests');
  await dennis.getByRole('link', { name: 'proof in a VM' }).click();
  await live(dennis);
  await expect(screen(dennis)).toContainText('root@proof:~#');
  await expect(dennis.getByRole('button', { name: 'Fit the window' })).toBeEnabled();
  const theirs = await browser.newContext({ baseURL: server.dashboard });
  const grace = await signIn(theirs, 'grace');
  complaints.watch(grace);
  await grace.goto(dennis.url());
  const drawn = 1000 + Math.floor(Math.random() * 9000);
  await type(dennis, `echo "=$((${drawn} * 2))="`);
  await expect(screen(grace)).toContainText(`=${drawn * 2}=`, { timeout: 60_000 });

  // What a machine writes acts nowhere: not on the title, the clipboard or a link.
  const title = await dennis.title();
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await dennis.bringToFront();
  await dennis.evaluate(() => navigator.clipboard.writeText('mine'));
  await type(dennis, String.raw`printf '\033]0;taken\007\033]52;c;dGFrZW4=\007\033]8;;http://evil.example/\033\\li'"nk\033]8;;\033\\ \033[38;2;250;120;9mdo"'ne\n'`);
  await expect(screen(dennis)).toContainText('link done', { timeout: 60_000 });
  expect(await dennis.title()).toBe(title);
  expect(await dennis.locator('.screen a').count()).toBe(0);
  expect(await dennis.evaluate(() => navigator.clipboard.readText())).toBe('mine');

  // The keyboard is given up and taken, without a page being loaded anew.
  await dennis.getByRole('button', { name: 'Give the keyboard up' }).click();
  await grace.getByRole('button', { name: 'Take the keyboard' }).click();
  await expect(dennis.locator('[data-status]')).toHaveText('grace types; you watch.');
  await grace.getByRole('button', { name: 'Fit the window' }).click();
  await expect(grace.locator('[data-hint] code')).toHaveText(/^stty columns \d+ rows \d+$/);
  await grace.getByRole('button', { name: 'Type that' }).click();
  await type(grace, 'echo "=$(stty size)="');
  await expect(screen(dennis)).toContainText(/=\d{2} \d{2,3}=/, { timeout: 60_000 });

  // Somebody whose role falls while watching is disconnected, and told why.
  const ada = await signIn(await browser.newContext({ baseURL: server.dashboard }), 'ada');
  complaints.watch(ada);
  await ada.goto('/people');
  const gives = async (role: string) => {
    await ada.getByLabel('Role of grace').selectOption(role);
    await ada.getByRole('row', { name: 'grace' }).getByRole('button', { name: 'Change' }).click();
    await expect(ada.getByLabel('Role of grace')).toHaveValue(role);
  };
  await gives('viewer');
  await expect(grace.locator('[data-status]')).toContainText('Your session has ended');
  await gives('approver');
  await ada.context().close();
  await theirs.close();

  // A cut connection goes on where it was, with nothing lost or doubled.
  await dennis.reload();
  await expect(screen(dennis)).toContainText(`=${drawn * 2}=`);
  await dennis.getByRole('button', { name: 'Take the keyboard' }).click();
  await type(dennis, 'poweroff');
  await expect(dennis.locator('.page-title .badge')).toHaveText('ended', { timeout: 120_000 });
  await expect(dennis.getByText('it switched itself off')).toBeVisible();
});

test('without script a guest is read, typed to, kept longer and stopped', async ({ browser, baseURL }) => {
  test.setTimeout(aBoot);
  const context = await browser.newContext({ baseURL, javaScriptEnabled: false });
  const page = await signIn(context, 'dennis');
  await page.goto('/releases/v1.0.0');
  await page.getByLabel('Boot entry').selectOption({ label: 'choose in the menu' });
  await page.getByRole('button', { name: 'Boot in a VM' }).click();
  const console = page.getByRole('region', { name: 'Console so far' });
  const shows = async (text: string) =>
    expect(async () => {
      await page.reload();
      await expect(console).toContainText(text, { timeout: 500 });
    }).toPass({ timeout: 120_000 });
  const send = async (line: string) => {
    await page.getByLabel('Type a line').fill(line);
    await page.getByRole('button', { name: 'Send' }).click();
  };
  await shows('iPXE boot menu end');
  // The menu begins on its shell.
  await send('');
  await shows('Press any key for the iPXE shell');
  await send('');
  await shows('iPXE>');
  await send('echo =${buildarch}=');
  await shows('=i386=');
  await page.getByRole('button', { name: /^Give it \d+ min from now$/ }).click();
  await page.getByRole('button', { name: 'Give the keyboard up' }).click();
  await send('echo no');
  await expect(page.getByRole('alert')).toContainText('Nobody has the keyboard');
  await page.getByRole('button', { name: 'Take the keyboard' }).click();
  await page.getByRole('button', { name: 'Stop it' }).click();
  await expect(page.locator('.page-title .badge')).toHaveText('ended');
  await expect(page.getByText('dennis stopped it')).toBeVisible();
  await context.close();
});
