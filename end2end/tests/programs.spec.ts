// What people hand to programs: tokens, made and revoked in the browser, and the API's own page.
import { expect, live, signIn, test } from '../fixtures';

for (const javaScriptEnabled of [true, false]) {
  test(`a token is shown once, works, and is revoked, ${javaScriptEnabled ? 'with' : 'without'} script`, async ({
    browser,
    baseURL,
    complaints,
  }) => {
    const context = await browser.newContext({ baseURL, javaScriptEnabled });
    const page = await signIn(context, 'dennis');
    complaints.watch(page);
    const name = `lab CI ${javaScriptEnabled}`;
    await page.goto('/account');
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Role').selectOption('viewer');
    await page.getByLabel('Days until it expires').fill('7');
    await page.getByRole('button', { name: 'Make a token' }).click();
    const secret = await page.locator('.given code').innerText();
    expect(secret).toMatch(/^bw_[\w-]{40,}$/);
    expect(page.url()).not.toContain('bw_');
    await page.reload();
    await expect(page.locator('.given')).toHaveCount(0);
    expect(await page.content()).not.toContain(secret);

    const current = () =>
      page.request.get('/api/v1/tokens/current', { headers: { authorization: `Bearer ${secret}`, cookie: '' } });
    expect(await (await current()).json()).toMatchObject({ person: 'dennis', role: 'viewer' });
    const row = page.getByRole('row').filter({ hasText: name });
    await expect(row).toContainText('never');
    await page.reload();
    await expect(row).not.toContainText('never');

    await page.getByLabel('Name').fill(name);
    await page.getByRole('button', { name: 'Make a token' }).click();
    await expect(page.getByRole('alert')).toContainText('already');
    await page.getByRole('button', { name: `Revoke ${name}` }).click();
    await expect(page.getByText(/^Expired and revoked/)).toBeVisible();
    const refused = await current();
    expect(refused.status()).toBe(401);
    expect((await refused.json()).detail).toContain('was revoked');
    await context.close();
  });
}

test('the page of the API lists what the document says', async ({ context }) => {
  const page = await signIn(context, 'vera');
  await page.goto('/api');
  await live(page);
  const document = await (await page.request.get('/api/v1/openapi.json')).json();
  const operations = Object.values(document.paths).flatMap((path) => Object.keys(path as object));
  await expect(page.locator('details.operation')).toHaveCount(operations.length);
  const build = page.locator('details.operation', { hasText: 'POST /releases Builds' });
  await build.locator('summary').click();
  await expect(build).toContainText('Needs the role developer');
  await expect(build).toContainText('Idempotency-Key');
  await page.goto('/api#conflict');
  await expect(page.locator('#conflict')).toBeInViewport();
});
