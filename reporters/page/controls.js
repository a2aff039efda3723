/* controls - the choices of the reader, kept in `state`; every change ends in refresh() or redraw(). */
const state = {
	view: meta.first.view, metric: meta.first.metric, direction: meta.first.inverted ? 'callers' : 'callees', layout: 'icicle', panel: 'graph',
	hide: meta.first.hide, lines: false, process: -1, thread: -1, query: '', dark: false,
};
const by_id = (id) => document.getElementById(id);
const view_shown = () => view_at(state.view);

function accept_group(g)
{
	const group = meta.groups[g];
	return (state.process < 0 || group.process === state.process) && (state.thread < 0 || g === state.thread);
}

/* Builds the shown tree anew and keeps what it can of zoom and search. */
function refresh(forget_zoom)
{
	show_tree(graph.tree && !forget_zoom ? zoom_names() : []);
	graph_scroll_to_root();
}

function show_tree(kept)
{
	const written = meta.first.inverted ? 'callers' : 'callees';
	const tree = build_tree({ view: state.view, accept: accept_group, hide: state.hide, by_line: state.lines, reverse: state.direction !== written });
	graph.found = null;
	graph_set(tree, lay_out(tree, state.metric));
	apply_search();
	graph_zoom(follow_names(kept), true);
	show_path();
	show_legend();
	functions_forget();
}

/* The path to the zoomed node by name, to find it in another tree. */
function zoom_names()
{
	const names = [];
	for (let v = graph.zoom; v > 0; v = graph.tree.parent[v])
		names.push(frame_full(graph.tree.frame[v]));
	return names.reverse();
}

function follow_names(names)
{
	let at = 0;
	for (const name of names) {
		const child = node_children(at).find((v) => frame_full(graph.tree.frame[v]) === name);
		if (child === undefined)
			return 0;
		at = child;
	}
	return at;
}

function node_children(v)
{
	const level = graph.shape.levels[graph.tree.depth[v] + 1] || [];
	return Array.from(level).filter((c) => graph.tree.parent[c] === v);
}

/* ---- zoom ---- */
function zoom_to(v)
{
	graph_zoom(v, matchMedia('(prefers-reduced-motion: reduce)').matches);
	graph_reveal(v);
	show_path();
}

function path_of(v)
{
	const path = [];
	for (; v >= 0; v = graph.tree.parent[v])
		path.push(v);
	return path.reverse();
}

function show_path()
{
	const box = by_id('path'), path = path_of(graph.zoom), children = [];
	const shown = path.length > 7 ? [path[0], -1, ...path.slice(-5)] : path;
	for (const v of shown) {
		if (children.length)
			children.push(element('i', { textContent: '›' }));
		if (v < 0) {
			children.push(element('i', { textContent: '…' }));
			continue;
		}
		const b = element('button', { type: 'button', textContent: frame_name(graph.tree.frame[v]).slice(0, 200) });
		b.className = v === graph.zoom ? 'here' : '';
		b.addEventListener('click', () => zoom_to(v));
		children.push(b);
	}
	if (graph.zoom) {
		const b = element('button', { type: 'button', className: 'reset', textContent: 'Reset zoom (Esc)' });
		b.addEventListener('click', () => zoom_to(0));
		children.push(b);
	}
	box.replaceChildren(...children);
}

/* ---- search ---- */
function apply_search()
{
	const field = by_id('search');
	let test = null;
	field.classList.remove('bad');
	if (state.query.trim()) {
		try {
			test = search_test(state.query);
		} catch (e) {
			field.classList.add('bad');
		}
	}
	graph.found = test ? search_tree(graph.tree, test) : null;
	by_id('matched').textContent = matched_text(field.classList.contains('bad'));
	graph_request();
	functions_show();
}

function matched_text(bad)
{
	if (bad)
		return 'not a regular expression';
	if (!graph.found)
		return '';
	const part = graph.found[state.metric], whole = graph.shape.total[0];
	return `${format_share(part, whole)} matched: ${format_metric(part)} in ${counted(graph.found.nodes, 'frames')}`;
}

function set_query(q)
{
	by_id('search').value = state.query = q;
	apply_search();
}

/* ---- legend: the modules that own most ---- */
/* What a node's function allocated itself: among callers, all that begins with it. */
function allocated_by(v)
{
	const { own, total, depth } = graph.tree;
	if (state.direction === 'callees')
		return own[state.metric][v];
	return depth[v] === 1 ? total[state.metric][v] : 0;
}

function module_weights()
{
	const weight = new Map(), { tree } = graph;
	for (let v = 1; v < tree.n; v++) {
		const f = tree.frame[v], module = frame_module(f), own = allocated_by(v);
		if (!own || !module || frame_flags(f) & FRAME_OTHER)
			continue;
		const entry = weight.get(module) || { module, main: Boolean(frame_flags(f) & FRAME_MAIN), own: 0 };
		entry.own += own;
		weight.set(module, entry);
	}
	return [...weight.values()].sort((a, b) => b.own - a.own);
}

function show_legend()
{
	const items = module_weights().slice(0, 8).map((m) => {
		const chip = element('i', {});
		chip.style.background = module_colour(m.module, m.main, graph.dark);
		const b = element('button', { type: 'button', title: clean(m.module) }, chip,
			`${base_name(m.module).slice(0, 40)} ${format_share(m.own, graph.shape.total[0])}`);
		const query = `module:${base_name(m.module)}`;
		b.addEventListener('click', () => set_query(state.query === query ? '' : query));
		return b;
	});
	by_id('legend').replaceChildren(...items);
}

/* ---- choices ---- */
function choice_setup(id, key, then)
{
	for (const b of by_id(id).children)
		b.addEventListener('click', () => choose(id, key, b.dataset.value, then));
	choose(id, key, state[key], null);
}

function choose(id, key, value, then)
{
	state[key] = value;
	for (const b of by_id(id).children)
		b.setAttribute('aria-pressed', String(b.dataset.value === value));
	if (then)
		then();
}

function set_layout()
{
	graph.flame = state.layout === 'flame';
	graph_scroll_to_root();
	graph_draw();
}

function select_fill(id, all, options)
{
	const select = by_id(id);
	select.hidden = options.length < 2;
	select.replaceChildren(new Option(all, '-1'), ...options.map(([value, label]) => new Option(clean(label).slice(0, 90), value)));
}

function select_setup(id, key)
{
	const select = by_id(id);
	select.addEventListener('change', () => {
		state[key] = Number(select.value);
		if (key === 'process')
			thread_options();
		refresh(false);
	});
}

/* Threads of the chosen process only. */
function thread_options()
{
	state.thread = -1;
	hide_threads();
	by_id('thread').value = '-1';
}

function hide_threads()
{
	for (const option of by_id('thread').options) {
		const g = Number(option.value);
		option.hidden = g >= 0 && state.process >= 0 && meta.groups[g].process !== state.process;
	}
}

function set_theme(dark)
{
	state.dark = graph.dark = dark;
	document.documentElement.dataset.theme = dark ? 'dark' : 'light';
	graph.colours = new Array(columns.frame_name.length);
	try {
		localStorage.setItem('tracker-theme', dark ? 'dark' : 'light');
	} catch (e) {
		/* A browser may refuse storage to file:// pages: the choice lasts as long as the page. */
	}
	plot_draw();
	if (graph.tree) {
		show_legend();
		graph_draw();
	}
}

function first_theme()
{
	try {
		const kept = localStorage.getItem('tracker-theme');
		if (kept)
			return kept === 'dark';
	} catch (e) {
		/* as above */
	}
	return matchMedia('(prefers-color-scheme: dark)').matches;
}

/* What each process has in the view that is shown. */
function process_bytes()
{
	const bytes = new Float64Array(meta.processes.length);
	columns.row_group.forEach((g, r) => {
		if (columns.row_view[r] === state.view && meta.groups[g].process < bytes.length)
			bytes[meta.groups[g].process] += columns.row_bytes[r];
	});
	return bytes;
}

/* ---- tabs: one for each view, if there are several ---- */
function setup_tabs()
{
	const box = by_id('tabs');
	box.hidden = meta.views.length < 2;
	box.replaceChildren(...meta.views.map((view, i) => {
		const size = element('small', { textContent: format_size(view.bytes) });
		const b = element('button', { type: 'button', title: `${view.title} (key ${i + 1})` }, view.name, size);
		b.dataset.value = i;
		b.addEventListener('click', () => set_view(i));
		return b;
	}));
	mark_tab();
}

function mark_tab()
{
	for (const b of by_id('tabs').children)
		b.setAttribute('aria-pressed', String(Number(b.dataset.value) === state.view));
}

/* The reader's other choices stay as they are. */
function set_view(i)
{
	if (!(i < meta.views.length))
		return;
	state.view = i;
	mark_tab();
	show_facts();
	refill_selects();
	by_id('metric').lastElementChild.textContent = unit_name();
	plot_draw();
	refresh(false);
}

/* The lists with other figures; what was chosen stays. */
function refill_selects()
{
	fill_selects();
	hide_threads();
	by_id('process').value = String(state.process);
	by_id('thread').value = String(state.thread);
}

function fill_selects()
{
	const bytes = process_bytes();
	const labels = meta.groups.map((g, i) => [i, g.thread]).filter(([, label]) => label !== null);
	const present = [...new Set(meta.groups.map((g) => g.process))].filter((i) => meta.processes[i]).sort((a, b) => a - b);
	select_fill('process', 'All processes', present.map((i) => {
		const p = meta.processes[i];
		return [i, `${p.pid} ${p.name}: ${format_size(bytes[i])}`];
	}));
	select_fill('thread', 'All threads', labels);
}

function setup_controls()
{
	setup_tabs();
	fill_selects();
	select_setup('process', 'process');
	select_setup('thread', 'thread');
	by_id('metric').lastElementChild.textContent = unit_name();
	choice_setup('metric', 'metric', () => refresh(false));
	choice_setup('direction', 'direction', () => refresh(true));
	choice_setup('layout', 'layout', set_layout);
	choice_setup('panel', 'panel', () => set_panel(state.panel));
	for (const id of ['hide', 'lines']) {
		by_id(id).checked = state[id];
		by_id(id).addEventListener('change', () => {
			state[id] = by_id(id).checked;
			refresh(false);
		});
	}
	by_id('theme').addEventListener('click', () => set_theme(!state.dark));
	by_id('search').addEventListener('input', () => set_query(by_id('search').value));
}
