/*
 * live - tracker live --web in a real browser, and who is refused.
 *
 *   node live.js TRACKER GROWER
 */
'use strict';
const assert = require('node:assert');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { Browser, find_chromium, sleep } = require('./browser.js');

const [tracker, grower] = process.argv.slice(2).map((file) => path.resolve(file));
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tracker-live-'));
const env = { ...process.env, XDG_RUNTIME_DIR: dir };
fs.chmodSync(dir, 0o700);
const block = 100000; /* grower.c */

/* Lines of a stream, one after the other. */
function lines_of(stream)
{
	const lines = [], waiting = [];
	let rest = '';
	stream.on('data', (chunk) => {
		rest += chunk;
		for (let end; (end = rest.indexOf('\n')) >= 0; rest = rest.slice(end + 1)) {
			const line = rest.slice(0, end), first = waiting.shift();
			first ? first(line) : lines.push(line);
		}
	});
	return () => lines.length ? Promise.resolve(lines.shift()) : new Promise((done) => waiting.push(done));
}

/* A recorded grower, and the view of it. */
class Scene {
	async begin(name, ...options)
	{
		this.capture = path.join(dir, `${name}.bin`);
		this.run = spawn(tracker, ['run', '-q', '-f', '-o', this.capture, '--', grower], { env, stdio: ['pipe', 'pipe', 'inherit'] });
		this.answer = lines_of(this.run.stdout);
		await this.tell('aaa');
		for (;;) {
			const said = await this.look(...options);
			if (typeof this.address === 'string')
				return this;
			/* the program runs, but the recorder may not have come so far that it can be asked */
			assert.ok(said.includes('no recorder is writing this file'), `the view does not begin: ${said}`);
			await new Promise((done) => setTimeout(done, 50));
		}
	}

	/* Starts the view. What it says on standard error, if it ends at once. */
	async look(...options)
	{
		let said = '';
		this.view = spawn(tracker, ['live', '--web', '--interval', '200ms', ...options, this.capture], { env, stdio: ['ignore', 'pipe', 'pipe'] });
		this.view.stderr.on('data', (chunk) => {
			said += chunk;
		});
		this.ended = new Promise((done) => this.view.on('close', (code) => done(code)));
		this.address = await Promise.race([lines_of(this.view.stdout)(), this.ended]);
		return said;
	}

	async tell(orders)
	{
		this.run.stdin.write(`${orders}\n`);
		assert.strictEqual(await this.answer(), 'done');
	}

	/* The program's own status, when it has ended. */
	finish()
	{
		const status = new Promise((done) => this.run.on('exit', (code) => done(code)));
		this.run.stdin.end();
		return status;
	}

	stop()
	{
		this.view.kill('SIGINT');
		return this.ended;
	}
}

const call = (page, what) => page.run(`tracker_flamegraph.${what}`);
const total = (page) => call(page, 'shown().total.value');
const words = (page) => page.run('document.getElementById("live").textContent');

async function until(what, condition)
{
	for (let i = 0; i < 1500; i++) {
		if (await condition())
			return;
		await sleep(20);
	}
	throw new Error(`it never happens: ${what}`);
}

/* Status and text of a request by hand. */
function ask(address, { method = 'GET', path: where, headers = {} } = {})
{
	const url = new URL(address);
	return new Promise((done, fail) => {
		const request = http.request({ host: url.hostname, port: url.port, path: where ?? url.pathname, method, headers, agent: false }, (r) => {
			let body = '';
			r.on('data', (chunk) => {
				body += chunk;
			});
			r.on('end', () => done({ status: r.statusCode, body, headers: r.headers }));
		});
		request.on('error', fail);
		request.end();
	});
}

function connects(host, port)
{
	return new Promise((done) => {
		const s = net.connect({ host, port, timeout: 3000 });
		const end = (result) => {
			s.destroy();
			done(result);
		};
		s.on('connect', () => end(true));
		s.on('error', () => end(false));
		s.on('timeout', () => end(false));
	});
}

const tests = {
	async it_shows_what_lives_now(page) {
		const s = await new Scene().begin('now');
		await page.show(s.address);
		await until('the first blocks', async () => await total(page) === 3 * block);
		assert.strictEqual((await call(page, 'info(tracker_flamegraph.find("grow_a"))')).value, 3 * block);
		assert.match(await words(page), /^live, /);
		assert.match(await page.run('document.title'), /^Heap now/);
		await call(page, 'zoom_to(tracker_flamegraph.find("grow_a"))');
		await call(page, 'search("grow_b")');
		await s.tell('bb');
		await until('two more', async () => await total(page) === 5 * block);
		const shown = await call(page, 'shown()');
		assert.strictEqual((await call(page, `info(${shown.zoom})`)).name, 'grow_a', 'the zoom stays');
		assert.strictEqual(shown.matched.bytes, 2 * block, 'so does the search');
		await s.tell('AAAB');
		await until('what was released goes', async () => await total(page) === block);
		assert.strictEqual(await call(page, 'find("grow_a")'), -1);
		assert.strictEqual(await s.finish(), 7, 'the status of the program');
		await until('its end is said', async () => /has ended/.test(await words(page)));
		assert.strictEqual(await total(page), block, 'what lived at its end');
		assert.deepStrictEqual(page.requests.filter((url) => url !== s.address && !url.startsWith('data:') && !url.startsWith('blob:')), []);
		assert.deepStrictEqual(page.errors, []);
		assert.strictEqual(await s.stop(), 0);
	},

	async it_can_pause(page) {
		const s = await new Scene().begin('pause');
		await page.show(s.address);
		await until('the first blocks', async () => await total(page) === 3 * block);
		await page.click_on('#pause');
		assert.match(await words(page), /^paused at /);
		const updates = await call(page, 'live.updates');
		await s.tell('b');
		await sleep(1000);
		assert.strictEqual(await total(page), 3 * block);
		assert.strictEqual(await call(page, 'live.updates'), updates);
		await page.click_on('#pause');
		await until('it goes on', async () => await total(page) === 4 * block);
		assert.strictEqual(await s.stop(), 0);
		await until('its silence is said', async () => /no answer/.test(await words(page)));
		assert.strictEqual(await s.finish(), 7);
	},

	async strangers_are_refused(page) {
		const s = await new Scene().begin('strangers'), url = new URL(s.address);
		assert.match(s.address, /^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}\/$/);
		assert.strictEqual((await ask(s.address)).status, 200);
		assert.strictEqual((await ask(s.address, { method: 'HEAD' })).status, 200);
		assert.strictEqual((await ask(s.address, { headers: { Host: `localhost:${url.port}` } })).status, 200);
		const wrong = `${url.pathname.slice(0, -2)}${url.pathname.at(-2) === '0' ? '1' : '0'}/`;
		for (const where of ['/', '/favicon.ico', url.pathname.slice(0, -1), `${url.pathname}x`, wrong, `/${'0'.repeat(32)}/`, `/..${url.pathname}`, '/%2e%2e/'])
			assert.strictEqual((await ask(s.address, { path: where })).status, 403, where);
		for (const headers of [{ Host: 'evil.example' }, { Host: `evil.example:${url.port}` }, { Host: '127.0.0.1:1' }, { Origin: 'http://evil.example' },
			{ Origin: 'null' }, { Origin: `http://127.0.0.1:${Number(url.port) ^ 1}` }, { 'Sec-Fetch-Site': 'cross-site' }, { 'Sec-Fetch-Site': 'same-site' }]) {
			const refused = await ask(s.address, { headers });
			assert.strictEqual(refused.status, 403, JSON.stringify(headers));
			assert.ok(!refused.body.includes('columns'), 'nothing of the page');
		}
		assert.strictEqual((await ask(s.address, { method: 'POST' })).status, 405);
		const policy = (await ask(s.address)).headers;
		assert.match(policy['content-security-policy'], /default-src 'none'/);
		assert.strictEqual(policy['x-frame-options'], 'DENY');
		assert.strictEqual(policy['cache-control'], 'no-store');
		const others = Object.values(os.networkInterfaces()).flat().filter((i) => i.family === 'IPv4' && !i.internal).map((i) => i.address);
		for (const host of ['127.0.0.2', ...others])
			assert.strictEqual(await connects(host, url.port), false, `it listens on ${host}`);
		/* another page in the same browser that knows the address */
		await page.show(s.address);
		const file = path.join(dir, 'other.html');
		fs.writeFileSync(file, '<script>window.tracker_flamegraph = { ready: true }</script>');
		await page.show(file);
		const read = await page.run(`fetch(${JSON.stringify(s.address)}, { mode: 'no-cors' }).then((r) => r.text(), (e) => 'refused')`);
		assert.ok(!read.includes('columns'), 'another page can read it');
		page.errors.length = 0;
		assert.strictEqual(await s.finish(), 7);
		assert.strictEqual(await s.stop(), 0);
	},

	async rubbish_harms_nobody() {
		const s = await new Scene().begin('rubbish'), url = new URL(s.address);
		const open = [];
		for (let i = 0; i < 60; i++) { /* more than it serves at a time */
			const c = net.connect({ host: '127.0.0.1', port: url.port });
			c.on('error', () => {});
			c.write(i % 3 ? require('node:crypto').randomBytes(1000) : `GET / HTTP/1.1\r\nX: ${'x'.repeat(70000)}`);
			open.push(c);
		}
		await sleep(200);
		for (const c of open)
			c.destroy();
		let status = 0;
		await until('it answers again', async () => {
			status = await ask(s.address).then((r) => r.status, () => 0);
			return status === 200;
		});
		assert.strictEqual(await s.finish(), 7);
		assert.strictEqual(await s.stop(), 0);
	},
};

async function run_all(browser)
{
	let failed = 0;
	for (const [name, test] of Object.entries(tests)) {
		const page = await browser.open();
		try {
			await test(page);
			console.log(`ok   ${name}`);
		} catch (e) {
			failed++;
			console.log(`FAIL ${name}: ${e.stack} ${page.errors.join('; ')}`);
		}
		await page.close();
	}
	return failed;
}

async function main()
{
	const chromium = find_chromium();
	if (!chromium) {
		console.log('no Chromium is installed (Debian: apt-get install chromium)');
		process.exit(process.env.CI ? 1 : 77);
	}
	const browser = new Browser(chromium);
	let failed = 1;
	try {
		failed = await run_all(browser);
	} finally {
		await browser.close();
		fs.rmSync(dir, { recursive: true, force: true });
	}
	process.exit(failed ? 1 : 0);
}

main();
