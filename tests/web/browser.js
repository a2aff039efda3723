/*
 * browser - a headless Chromium driven over its debugging pipe (one JSON object
 * and a NUL per message): all that the tests need of it, without a package.
 */
'use strict';
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const flags = [
	'--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
	'--disable-component-update', '--disable-sync', '--disable-default-apps', '--disable-extensions', '--disable-dev-shm-usage',
	'--no-default-browser-check', '--hide-scrollbars', '--mute-audio', '--remote-debugging-pipe',
];

function find_chromium()
{
	const names = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
	return names.find((name) => name && fs.existsSync(name));
}

/* Its helper processes may still be writing for a moment after the browser ended. */
async function remove_profile(dir)
{
	for (let i = 0; i < 20; i++) {
		try {
			fs.rmSync(dir, { recursive: true, force: true });
			return;
		} catch (e) {
			await sleep(100);
		}
	}
}

class Browser {
	constructor(executable)
	{
		this.profile = fs.mkdtempSync(path.join(os.tmpdir(), 'tracker-web-'));
		this.child = spawn(executable, [...flags, `--user-data-dir=${this.profile}`, 'about:blank'],
			{ stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
		this.waiting = new Map();
		this.handlers = new Set();
		this.last = 0;
		this.rest = [];
		this.child.stdio[4].on('data', (chunk) => this.received(chunk));
		this.child.stdio[3].on('error', () => {});
		this.finished = new Promise((done) => this.child.on('exit', () => {
			this.ended();
			done();
		}));
	}

	ended()
	{
		this.gone = true;
		for (const { reject } of this.waiting.values())
			reject(new Error('the browser ended'));
		this.waiting.clear();
	}

	received(chunk)
	{
		let end;
		while ((end = chunk.indexOf(0)) >= 0) {
			this.message(JSON.parse(Buffer.concat([...this.rest, chunk.subarray(0, end)]).toString()));
			this.rest = [];
			chunk = chunk.subarray(end + 1);
		}
		if (chunk.length)
			this.rest.push(chunk);
	}

	message(m)
	{
		const waiting = this.waiting.get(m.id);
		if (!waiting) {
			for (const handler of this.handlers)
				handler(m);
			return;
		}
		this.waiting.delete(m.id);
		if (m.error)
			waiting.reject(new Error(`${waiting.method}: ${m.error.message}`));
		else
			waiting.resolve(m.result);
	}

	send(method, params = {}, session_id = undefined)
	{
		const id = ++this.last;
		return new Promise((resolve, reject) => {
			if (this.gone)
				return reject(new Error('the browser ended'));
			this.waiting.set(id, { resolve, reject, method });
			this.child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId: session_id })}\0`);
		});
	}

	async open(options = {})
	{
		const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
		const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
		const page = new Page(this, sessionId, targetId);
		await page.setup(options);
		return page;
	}

	async close()
	{
		this.send('Browser.close').catch(() => {});
		await Promise.race([this.finished, sleep(5000)]);
		this.child.kill('SIGKILL');
		await remove_profile(this.profile);
	}
}

/* One tab; keeps every error, console message and request of the pages it shows. */
class Page {
	constructor(browser, session, target)
	{
		this.browser = browser;
		this.target = target;
		this.session = session;
		this.errors = [];
		this.requests = [];
		this.dialogs = 0;
		browser.handlers.add((m) => m.sessionId === session && this.event(m.method, m.params));
	}

	send(method, params)
	{
		return this.browser.send(method, params, this.session);
	}

	event(method, p)
	{
		if (method === 'Runtime.exceptionThrown')
			this.errors.push(p.exceptionDetails.exception?.description || p.exceptionDetails.text);
		else if (method === 'Runtime.consoleAPICalled')
			this.errors.push(`console.${p.type}: ${p.args.map((a) => a.value ?? a.description).join(' ')}`);
		else if (method === 'Log.entryAdded')
			this.errors.push(`${p.entry.level}: ${p.entry.text} ${p.entry.url || ''}`);
		else if (method === 'Network.requestWillBeSent')
			this.requests.push(p.request.url);
		else if (method === 'Page.javascriptDialogOpening')
			this.dialog_opened();
	}

	dialog_opened()
	{
		this.dialogs++;
		this.send('Page.handleJavaScriptDialog', { accept: false }).catch(() => {});
	}

	async setup({ width = 1280, height = 800, dark = false, scale = 1 })
	{
		for (const domain of ['Page', 'Runtime', 'Network', 'Log'])
			await this.send(`${domain}.enable`);
		await this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: scale, mobile: false });
		const features = [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' },
			{ name: 'prefers-reduced-motion', value: 'reduce' }];
		await this.send('Emulation.setEmulatedMedia', { features });
	}

	/* Shows a file, or an http address, and waits until the page says that it is ready. Returns the milliseconds it took. */
	async show(file, timeout_ms = 30000)
	{
		const began = Date.now();
		await this.send('Page.navigate', { url: file.startsWith('http:') ? file : `file://${path.resolve(file)}` });
		for (;;) {
			const state = await this.run('window.tracker_flamegraph ? String(tracker_flamegraph.error || tracker_flamegraph.ready) : ""');
			if (state === 'true')
				return Date.now() - began;
			if ((state && state !== 'false') || Date.now() - began > timeout_ms)
				throw new Error(`${file} did not become ready: ${state || 'no script ran'} ${this.errors.join('; ')}`);
			await sleep(20);
		}
	}

	async run(expression)
	{
		const r = await this.send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
		if (r.exceptionDetails)
			throw new Error(`${expression}: ${r.exceptionDetails.exception?.description || r.exceptionDetails.text}`);
		return r.result.value;
	}

	/* After the next picture. */
	async painted()
	{
		await this.run('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
	}

	async close()
	{
		await this.browser.send('Target.closeTarget', { targetId: this.target });
	}

	async click(x, y)
	{
		for (const type of ['mouseMoved', 'mousePressed', 'mouseReleased'])
			await this.send('Input.dispatchMouseEvent', { type, x, y, button: type === 'mouseMoved' ? 'none' : 'left', clickCount: 1 });
	}

	async move(x, y)
	{
		await this.send('Input.dispatchMouseEvent', { type: 'mouseMoved', x, y });
	}

	async click_on(selector)
	{
		const spot = await this.run(`(() => { const b = document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect();
			return [b.left + b.width / 2, b.top + b.height / 2]; })()`);
		await this.click(...spot);
	}

	async key(key, text = undefined)
	{
		for (const type of ['keyDown', 'keyUp'])
			await this.send('Input.dispatchKeyEvent', { type, key, code: key, text: type === 'keyDown' ? text : undefined });
	}

	async type(text)
	{
		await this.send('Input.insertText', { text });
	}

	async screenshot(file)
	{
		const { data } = await this.send('Page.captureScreenshot', { format: 'png' });
		fs.writeFileSync(file, Buffer.from(data, 'base64'));
	}
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

module.exports = { Browser, find_chromium, sleep };
