/*
 * viewers - exported files in the browser pages that people open them with: valgrind's dh_view.html.
 *
 *   node viewers.js EXPORT MKCAPTURE
 */
'use strict';
const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Browser, find_chromium, sleep } = require('./browser.js');

const [exporter, mkcapture] = process.argv.slice(2);
const viewer = ['/usr/libexec/valgrind/dh_view.html', '/usr/lib/valgrind/dh_view.html'].find((file) => fs.existsSync(file));
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tracker-viewers-'));
const file = path.join(dir, 'a.bin');

/* fill allocates 300 bytes in two blocks, which hold the peak, and main 50 bytes, which stay. A name is no HTML. */
const capture = `
module app /bin/app main
frame main /src/a.c 5 as=main module=app
frame fill /src/a.c 9 as=fill module=app
frame odd /src/a.c 11 as=<b>odd</b> module=app
stack main main
stack fill fill main
stack odd odd fill main
new a 50 main
new b 100 fill
new c 200 fill
delete b
delete c
new d 7 odd
delete d
`;

function is_missing(what, name)
{
	if (what)
		return false;
	console.log(`no ${name} is installed`);
	process.exit(process.env.CI ? 1 : 77);
}

async function text_of(page)
{
	for (let i = 0; i < 500; i++) {
		const text = await page.run('document.body ? document.body.innerText : ""');
		if (/PP 1|Error/.test(text))
			return text;
		await sleep(20);
	}
	throw new Error(`the page shows nothing: ${page.errors.join('; ')}`);
}

async function dhat(page)
{
	const out = path.join(dir, 'a.dhat.json');
	execFileSync(exporter, ['-f', '--format', 'dhat', '-o', out, file]);
	await page.send('Page.navigate', { url: `file://${viewer}` });
	for (let there = false; !there; await sleep(20))
		there = await page.run('document.readyState === "complete" && !!document.querySelector("input[type=file]")');
	const { root } = await page.send('DOM.getDocument', {});
	const { nodeId } = await page.send('DOM.querySelector', { nodeId: root.nodeId, selector: 'input[type=file]' });
	await page.send('DOM.setFileInputFiles', { nodeId, files: [out] });

	const text = (await text_of(page)).replace(/,/g, '');
	assert.match(text, /PP 1\/1 [^{]*{\s+Total: +357 bytes \(100%[^)]*\) in 4 blocks/);
	assert.match(text, /At t-gmax: 350 bytes \(100%\) in 3 blocks/);
	assert.match(text, /At t-end: +50 bytes \(100%\) in 1 blocks/);
	assert.match(text, /Total: +300 bytes/);
	assert.match(text, /Max: +300 bytes in 2 blocks/);
	assert.match(text, /#1: 0x0: main \(\/src\/a\.c:5\)/);
	assert.ok(text.includes('<b>odd</b>'), text);
	assert.deepStrictEqual(page.errors.filter((e) => !e.startsWith('console.')), []);
}

async function main()
{
	const chromium = find_chromium();
	is_missing(chromium, 'Chromium');
	is_missing(viewer, 'dh_view.html (Debian: apt-get install valgrind)');
	execFileSync(mkcapture, [file], { input: capture });
	const browser = new Browser(chromium);
	let failed = 1;
	try {
		await dhat(await browser.open());
		console.log('ok   dhat');
		failed = 0;
	} catch (e) {
		console.log(`FAIL dhat: ${e.stack}`);
	} finally {
		await browser.close();
		fs.rmSync(dir, { recursive: true, force: true });
	}
	process.exit(failed);
}

main();
