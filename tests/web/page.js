/*
 * page - the flame graph's page in a real browser, opened from file://.
 *
 *   node page.js FLAMEGRAPH MKCAPTURE MANY_NODES [STATS]
 */
'use strict';
const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Browser, find_chromium, sleep } = require('./browser.js');

const [flamegraph, mkcapture, many_nodes, stats] = process.argv.slice(2);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'tracker-page-'));
const node_total = 'tracker_flamegraph.shown().total.value';

/* The captures and their arithmetic are in captures.py. */
function python(expression)
{
	const code = `import json, sys; sys.path.insert(0, ${JSON.stringify(__dirname)}); import captures; print(json.dumps(${expression}))`;
	return JSON.parse(execFileSync('python3', ['-B', '-c', code], { maxBuffer: 1 << 28 }));
}

function make_page(name, text, ...args)
{
	const capture = path.join(dir, `${name}.bin`), html = path.join(dir, `${name}.html`);
	if (text !== null)
		execFileSync(mkcapture, [capture], { input: text });
	execFileSync(flamegraph, ['-f', '-o', html, ...args, capture]);
	return { capture, html };
}

function json_of(capture, ...args)
{
	return JSON.parse(execFileSync(flamegraph, ['--json', ...args, capture], { maxBuffer: 1 << 28 }));
}

const call = (page, what) => page.run(`tracker_flamegraph.${what}`);

async function node_named(page, name)
{
	return call(page, `info(tracker_flamegraph.find(${JSON.stringify(name)}))`);
}

async function press(page, box, value)
{
	await page.click_on(`#${box} [data-value=${value}]`);
}

/* What stands at a spot of the canvas, as [red, green, blue]. */
async function colour_at(page, x, y)
{
	await page.painted();
	return page.run(`(() => { const g = document.getElementById('graph'), b = g.getBoundingClientRect(), r = devicePixelRatio;
		const c = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
		c.drawImage(g, (${x} - b.left) * r, (${y} - b.top) * r, 1, 1, 0, 0, 1, 1);
		return Array.from(c.getImageData(0, 0, 1, 1).data).slice(0, 3); })()`);
}

/* Nothing went wrong and nothing was fetched but the page itself. */
function check_quiet(page)
{
	assert.deepStrictEqual(page.errors, []);
	assert.deepStrictEqual(page.requests.filter((url) => !url.startsWith('file://') && !url.startsWith('data:,') && !url.startsWith('blob:')), []);
	assert.strictEqual(page.dialogs, 0);
}

/* Every node as "path: value count own", of the JSON and of the page. */
function json_nodes(root)
{
	const lines = [], todo = [[root, '']];
	while (todo.length) {
		const [node, above] = todo.pop(), here = `${above}/${node.function ?? node.name}`;
		lines.push(`${here}: ${node.value} ${node.count} ${node.own}`);
		todo.push(...node.children.map((child) => [child, here]));
	}
	return lines.sort();
}

async function page_nodes(page)
{
	const nodes = await page.run(`Array.from({ length: tracker_flamegraph.shown().nodes }, (_, v) => tracker_flamegraph.info(v))`);
	const paths = [];
	return nodes.map((n) => {
		paths[n.id] = `${n.parent < 0 ? '' : paths[n.parent]}/${n.full}`;
		return `${paths[n.id]}: ${n.value} ${n.count} ${n.own}`;
	}).sort();
}

const tests = {
	async every_node_equals_json(page) {
		execFileSync(many_nodes, [path.join(dir, 'equal.bin'), '3000']);
		for (const [name, text] of [['flame', python('captures.fx_flame()')], ['recursion', python('captures.recursion()')], ['equal', null]]) {
			const { capture, html } = make_page(name, text, '--allocations');
			await page.show(html);
			assert.deepStrictEqual(await page_nodes(page), json_nodes(json_of(capture, '--allocations').root), name);
			await press(page, 'direction', 'callers');
			assert.deepStrictEqual(await page_nodes(page), json_nodes(json_of(capture, '--allocations', '--inverted').root), name);
		}
	},

	async totals_equal_the_other_outputs(page) {
		const { capture, html } = make_page('flame', python('captures.fx_flame()'));
		await page.show(html);
		const root = json_of(capture).root;
		assert.strictEqual(await page.run(node_total), root.value);
		for (const [name, [value, own]] of Object.entries(python('captures.FX_FLAME'))) {
			if (name === '<root>')
				continue;
			const node = await node_named(page, name);
			assert.deepStrictEqual([node.value, node.own], [value, own], name);
		}
		assert.strictEqual(await call(page, 'find("missing")'), -1);
		assert.match(await page.run('document.title'), /Heap at its peak · app/);
		assert.match(await page.run('document.getElementById("facts").textContent'), /439 KiB/);
		if (stats)
			assert.strictEqual(JSON.parse(execFileSync(stats, ['--json', capture])).metadata.peak_memory, root.value);
	},

	async tabs_hold_every_question(page) {
		const questions = [[], ['--leaks'], ['--temporary-allocations'], ['--allocations']];
		for (const [name, text] of [['tabs', python('captures.fx_flame()')], ['tabs_threads', python('captures.threads()')]]) {
			const { capture, html } = make_page(name, text);
			await page.show(html);
			for (const [i, options] of questions.entries()) {
				const json = json_of(capture, ...options).root;
				await page.click_on(`#tabs [data-value="${i}"]`);
				assert.deepStrictEqual(await page_nodes(page), json_nodes(json), `${name} ${options}`);
				assert.strictEqual(await page.run('document.querySelectorAll("#tabs [aria-pressed=true]").length'), 1);
				assert.match(await page.run('document.querySelector(".fact.first").textContent'), new RegExp(`in ${json.count} (block|allocation)`));
				await press(page, 'direction', 'callers');
				assert.deepStrictEqual(await page_nodes(page), json_nodes(json_of(capture, '--inverted', ...options).root), `${name} ${options}, callers`);
				await press(page, 'direction', 'callees');
			}
		}
	},

	async keys_change_the_tab_and_the_zoom_stays(page) {
		const { capture, html } = make_page('keys_tabs', python('captures.fx_flame()'), '--allocations');
		await page.show(html);
		assert.strictEqual((await call(page, 'shown()')).view, 'Allocated');
		await call(page, 'zoom_to(tracker_flamegraph.find("b"))');
		await page.key('1', '1');
		assert.strictEqual((await call(page, 'shown()')).view, 'Peak');
		assert.strictEqual((await call(page, `info(tracker_flamegraph.shown().zoom)`)).name, 'b');
		assert.match(await page.run('document.title'), /Heap at its peak/);
		await page.key('9', '9');
		assert.strictEqual((await call(page, 'shown()')).view, 'Peak', 'there is no ninth tab');
		await page.key('/', '/');
		await page.type('2');
		assert.strictEqual((await call(page, 'shown()')).view, 'Peak', 'a digit in the search is searched');
		await page.key('Escape');
		const point = path.join(dir, 'point.html');
		execFileSync(flamegraph, ['-f', '-o', point, `${capture}@end`]);
		await page.show(point);
		assert.strictEqual(await page.run('document.getElementById("tabs").hidden'), true, 'one question has no tabs');
	},

	async functions_have_own_and_total(page) {
		/* brute force over the nested tree: a function counts once in a stack */
		const by_function = (root) => {
			const sums = {};
			const visit = (node, above) => {
				const name = node.function, s = name && (sums[name] ||= [0, 0]);
				if (s) {
					s[0] += node.own;
					s[1] += above.includes(name) ? 0 : node.value;
				}
				node.children.forEach((child) => visit(child, [...above, name]));
			};
			visit(root, []);
			return Object.fromEntries(Object.entries(sums).filter(([, [, total]]) => total).sort());
		};
		for (const [name, text] of [['functions', python('captures.fx_flame()')], ['functions_again', python('captures.recursion()')]]) {
			const { capture, html } = make_page(name, text);
			await page.show(html);
			await page.key('f', 'f');
			for (const [i, options] of [[], ['--leaks'], ['--temporary-allocations'], ['--allocations']].entries()) {
				await page.key(String(i + 1), String(i + 1));
				const shown = await call(page, 'functions()');
				assert.deepStrictEqual(Object.fromEntries(Object.entries(shown).sort()), by_function(json_of(capture, ...options).root), `${name} ${options}`);
			}
		}
	},

	async a_function_has_callers_and_callees(page) {
		await page.show(make_page('neighbours', python('captures.fx_flame()'), '--allocations').html);
		await press(page, 'panel', 'functions');
		await page.run('Array.from(document.querySelectorAll("#function-list tbody button")).find((b) => b.textContent === "d").click()');
		const rows = (n) => page.run(`Array.from(document.querySelectorAll("#function-about table")[${n}].rows, (r) => Array.from(r.cells, (c) => c.textContent).slice(0, 3).join(" "))`);
		assert.deepStrictEqual(await rows(0), ['342 KiB 100 % c']);
		assert.deepStrictEqual(await rows(1), ['195 KiB 57.1 % f', '97.7 KiB 28.6 % e']);
		await call(page, 'search("/^[ef]$/")');
		assert.deepStrictEqual(Object.keys(await call(page, 'functions()')).sort(), ['e', 'f']);
		await page.click_on('#function-about .reset');
		assert.strictEqual(await page.run('document.getElementById("functions").hidden'), true, 'back at the graph');
	},

	async widths_are_shares(page) {
		await page.show(make_page('widths', python('captures.fx_flame()')).html);
		const width = async (name) => (await call(page, `spot(tracker_flamegraph.find("${name}"))`)).width;
		const [all, b, e] = [await width('a'), await width('b'), await width('e')];
		assert.ok(Math.abs(b / all - 350 / 450) < 1e-9 && Math.abs(e / all - 100 / 450) < 1e-9, `${all} ${b} ${e}`);
		const inside = await call(page, 'spot(tracker_flamegraph.find("g"))');
		const filled = await colour_at(page, inside.x - inside.width / 2 + 3, inside.y + 7);
		const empty = await colour_at(page, inside.x, inside.y + 60);
		assert.notDeepStrictEqual(filled, empty, 'a frame is painted');
	},

	async search_marks_and_counts_once(page) {
		await page.show(make_page('search', python('captures.recursion()')).html);
		await page.key('/', '/');
		await page.type('fib');
		assert.deepStrictEqual((await call(page, 'shown()')).matched, { nodes: 3, bytes: 3000 });
		assert.match(await page.run('document.getElementById("matched").textContent'), /^85\.7 % matched: 3000 B in 3 frames/);
		const spot = await call(page, 'spot(tracker_flamegraph.find("fib"))');
		const [red, green, blue] = await colour_at(page, spot.x - spot.width / 2 + 4, spot.y + 7);
		assert.ok(red > green + 40 && blue > green + 40, `a match is magenta, not ${red},${green},${blue}`);
		await call(page, 'search("/^oth.r$/")');
		assert.deepStrictEqual((await call(page, 'shown()')).matched, { nodes: 1, bytes: 500 });
		await call(page, 'search("/(/")');
		assert.match(await page.run('document.getElementById("matched").textContent'), /not a regular expression/);
		await page.key('Escape');
		assert.strictEqual((await call(page, 'shown()')).matched, null);
	},

	async a_click_zooms_and_escape_returns(page) {
		await page.show(make_page('zoom', python('captures.fx_flame()')).html);
		const h = await node_named(page, 'h');
		const spot = await call(page, `spot(${h.id})`);
		await page.click(spot.x, spot.y);
		let shown = await call(page, 'shown()');
		assert.deepStrictEqual([shown.zoom, shown.to - shown.from], [h.id, 100000]);
		assert.match(await page.run('document.getElementById("path").textContent'), /<root>›main›a›hReset/);
		await page.click_on('#path button');
		assert.strictEqual((await call(page, 'shown()')).zoom, 0);
		await page.click(spot.x, spot.y);
		await page.key('Escape');
		shown = await call(page, 'shown()');
		assert.deepStrictEqual([shown.zoom, shown.from, shown.to], [0, 0, 450000]);
	},

	async arrow_keys_walk(page) {
		await page.show(make_page('keys', python('captures.fx_flame()')).html);
		const walk = ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowRight', 'ArrowLeft', 'ArrowUp'], seen = [];
		for (const key of walk) {
			await page.key(key);
			seen.push((await call(page, 'info(tracker_flamegraph.shown().zoom)')).name);
		}
		assert.deepStrictEqual(seen, ['main', 'a', 'b', 'h', 'b', 'a']);
	},

	async an_empty_capture_is_a_page(page) {
		await page.show(make_page('empty', python('captures.HEAD')).html);
		assert.strictEqual(await page.run(node_total), 0);
		await press(page, 'metric', 'count');
		await press(page, 'layout', 'flame');
		await page.move(300, 400);
		await page.click(300, 400);
		await page.key('ArrowDown');
		await page.key('Escape');
	},

	async the_policy_forbids_all_requests(page) {
		await page.show(make_page('policy', python('captures.fx_flame()')).html);
		const stopped = (what) => page.run(`new Promise((done) => {
			document.addEventListener('securitypolicyviolation', (e) => done(e.effectiveDirective), { once: true }); ${what}; })`);
		assert.strictEqual(await stopped('fetch("http://127.0.0.1:9/").catch(() => {})'), 'connect-src');
		assert.strictEqual(await stopped('new Image().src = "http://127.0.0.1:9/"'), 'img-src');
		assert.strictEqual(await stopped('document.head.append(Object.assign(document.createElement("script"), { src: "http://127.0.0.1:9/" }))'), 'script-src-elem');
		page.errors.length = page.requests.length = 0; /* they were ours */
	},

	async a_tooltip_says_all(page) {
		await page.show(make_page('tip', python('captures.fx_flame()')).html);
		const spot = await call(page, 'spot(tracker_flamegraph.find("d"))');
		await page.move(spot.x, spot.y);
		const tip = await page.run('document.getElementById("tip").innerText');
		for (const part of ['d', '/src/app.c:41', '/src/app', '342 KiB', '77.8 %', '48.8 KiB', 'app.c:40', 'app.c:42'])
			assert.ok(tip.includes(part), `${part} in ${tip}`);
	},

	async choices_change_the_tree(page) {
		await page.show(make_page('choices', python('captures.fx_flame()')).html);
		assert.strictEqual(await call(page, 'find("malloc")'), -1);
		await page.click_on('#hide');
		assert.ok((await node_named(page, 'malloc')).own > 0);
		assert.ok((await node_named(page, '_start')).value === 450000);
		await page.click_on('#hide');
		await page.click_on('#lines');
		assert.strictEqual((await page.run('tracker_flamegraph.children(1).length')), 2, 'a calls from two lines');
		await page.click_on('#lines');
		await press(page, 'metric', 'count');
		assert.strictEqual((await call(page, 'shown()')).to, 4);
		await press(page, 'metric', 'bytes');
		await press(page, 'direction', 'callers');
		const leaves = (await call(page, 'children(0)')).map((c) => [c.name, c.value]);
		assert.deepStrictEqual(leaves.sort(), [['d', 50000], ['e', 100000], ['g', 200000], ['i', 100000]]);
		await press(page, 'direction', 'callees');
		const before = await call(page, 'spot(1)');
		await press(page, 'layout', 'flame');
		assert.ok((await call(page, 'spot(1)')).y > before.y + 100, 'the root is at the bottom');
	},

	async inverted_pages_begin_with_the_allocating_function(page) {
		await page.show(make_page('inverted', python('captures.fx_inverted()'), '--inverted').html);
		assert.deepStrictEqual((await call(page, 'children(0)')).map((c) => [c.name, c.value]), [['a', 3000000], ['a1', 1000000]]);
		await press(page, 'direction', 'callees');
		assert.deepStrictEqual((await call(page, 'children(0)')).map((c) => [c.name, c.value]), [['main', 4000000]]);
	},

	async modules_have_the_same_shares_both_ways(page) {
		const expected = Object.entries(python('captures.MODULES')), text = python('captures.modules()');
		for (const args of [[], ['--inverted']]) {
			await page.show(make_page('modules', text, ...args).html);
			for (const direction of ['callees', 'callers']) {
				await press(page, 'direction', direction);
				for (const [i, metric] of ['bytes', 'count'].entries()) {
					await press(page, 'metric', metric);
					const shown = await page.run('Array.from(document.querySelectorAll("#legend button"), (b) => b.textContent)');
					const right = expected.map(([module, shares]) => `${module} ${shares[i]}`);
					assert.deepStrictEqual(shown.sort(), right.sort(), `${args} ${direction} ${metric}`);
				}
			}
		}
	},

	async threads_and_processes_can_be_chosen(page) {
		const { capture, html } = make_page('threads', python('captures.threads()'), '--split-threads');
		await page.show(html);
		const choose = (id, label) => page.run(`(() => { const s = document.getElementById('${id}');
			s.value = Array.from(s.options).find((o) => o.textContent.includes(${JSON.stringify(label)})).value;
			s.dispatchEvent(new Event('change')); return ${node_total}; })()`);
		const split = json_of(capture, '--split-threads').root.children;
		assert.strictEqual(await page.run(node_total), 123000);
		for (const child of split)
			assert.strictEqual(await choose('thread', child.thread), child.value);
		await choose('thread', 'All');
		assert.strictEqual(await choose('process', '4300'), 3000);
		assert.strictEqual(await choose('process', '4242'), 120000);
		assert.strictEqual(await choose('process', 'All'), 123000);
	},

	async the_theme_changes(page) {
		await page.show(make_page('theme', python('captures.fx_flame()')).html);
		const back = 'getComputedStyle(document.body).backgroundColor';
		assert.strictEqual(await page.run(back), 'rgb(255, 255, 255)');
		await page.click_on('#theme');
		assert.strictEqual((await call(page, 'shown()')).theme, 'dark');
		assert.notStrictEqual(await page.run(back), 'rgb(255, 255, 255)');
		await page.click_on('#theme');
		assert.strictEqual(await page.run(back), 'rgb(255, 255, 255)');
	},

	async hostile_names_are_only_names(page) {
		const { html } = make_page('hostile', python('captures.hostile()'), '--split-threads');
		await page.show(html);
		const expected = await page.run('tracker_flamegraph.children(0).length');
		assert.strictEqual(expected, Object.keys(python('captures.HOSTILE')).length);
		for (const child of await call(page, 'children(0)')) {
			const spot = await call(page, `spot(${child.id})`);
			await page.move(spot.x, spot.y);
			await page.click(spot.x, spot.y);
			await page.key('Escape');
		}
		await call(page, 'search("<")');
		assert.strictEqual((await call(page, 'shown()')).matched.nodes, expected, 'each file is named <svg');
		assert.strictEqual(await page.run('typeof window.hit'), 'undefined');
		assert.strictEqual(await page.run('document.querySelectorAll("img, iframe, svg[onload], b[onmouseover]").length'), 0);
		assert.strictEqual(await page.run('document.scripts.length'), 3);
	},

	async very_deep_stacks_scroll(page) {
		await page.show(make_page('deep', python('captures.deep(2000)')).html);
		assert.strictEqual((await call(page, 'shown()')).depth, 2002);
		await page.run('document.getElementById("scroll").scrollTop = 1e9');
		await sleep(100);
		const last = await node_named(page, 'f2000'), spot = await call(page, `spot(${last.id})`);
		await page.click(spot.x, spot.y);
		assert.strictEqual((await call(page, 'shown()')).zoom, last.id);
		await press(page, 'direction', 'callers');
		assert.strictEqual((await call(page, 'children(0)'))[0].name, 'f2000');
	},

	async many_nodes_stay_small_and_fast(page) {
		const nodes = 200000;
		const sum = Number(execFileSync(many_nodes, [path.join(dir, 'many.bin'), String(nodes)]).toString());
		const { html } = make_page('many', null);
		const bytes = fs.statSync(html).size, ms = await page.show(html);
		console.log(`    ${nodes} nodes: page of ${bytes} bytes, ready after ${ms} ms`);
		assert.ok(bytes < 5e6, `${bytes} bytes`);
		assert.ok(ms < 15000, `${ms} ms`);
		assert.strictEqual(await page.run(node_total), sum);
		assert.match(await page.run('document.getElementById("note").textContent'), /100,001 small ones of 200,001/);
		const { html: all } = make_page('many', null, '--max-nodes', '1000000');
		assert.ok(await page.show(all) < 30000);
		assert.strictEqual((await call(page, 'shown()')).nodes, nodes + 1);
		assert.strictEqual(await page.run(node_total), sum);
	},
};

async function run_all(browser)
{
	let failed = 0;
	for (const [name, test] of Object.entries(tests)) {
		const page = await browser.open();
		try {
			await test(page);
			check_quiet(page);
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
