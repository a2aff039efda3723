/*
 * functions - the same stacks as a table: each function with what it allocated itself, what it allocated with all that it calls, and,
 * of a chosen one, its callers and callees.
 *
 * A function counts once in a stack, however often it stands there. So what recursion allocates is not counted again.
 */
const functions = { shown: false, tree: null, sums: null, sort: 'own', chosen: '' };
const functions_most = 500; /* rows: a browser takes long for more */

/* Children of each node, as lists. */
function tree_links(tree)
{
	const child = new Int32Array(tree.n).fill(-1), next = new Int32Array(tree.n).fill(-1);
	for (let v = tree.n - 1; v > 0; v--) {
		next[v] = child[tree.parent[v]];
		child[tree.parent[v]] = v;
	}
	return { child, next };
}

/* Goes through all nodes below the root, each between a call of enter and one of leave. */
function walk_tree(tree, enter, leave)
{
	const { child, next } = tree_links(tree);
	for (let v = child[0]; v > 0;) {
		enter(v);
		if (child[v] >= 0) {
			v = child[v];
			continue;
		}
		leave(v);
		while (v > 0 && next[v] < 0) {
			v = tree.parent[v];
			if (v > 0)
				leave(v);
		}
		v = v > 0 ? next[v] : 0;
	}
}

/* By ident: own and total of each function. */
function sum_functions(tree)
{
	const count = tree.ident.reduce((most, i) => Math.max(most, i), 0) + 1, open = new Uint32Array(count);
	const sums = { frame: new Int32Array(count).fill(-1), several: new Uint8Array(count), own: {}, total: {} };
	for (const metric of ['bytes', 'count'])
		sums.own[metric] = new Float64Array(count), sums.total[metric] = new Float64Array(count);
	walk_tree(tree, (v) => {
		const i = tree.ident[v];
		if (sums.frame[i] >= 0 && columns.frame_file[sums.frame[i]] !== columns.frame_file[tree.frame[v]])
			sums.several[i] = 1; /* functions of one name, such as <module> of Python */
		sums.frame[i] = tree.frame[v];
		for (const metric of ['bytes', 'count']) {
			sums.own[metric][i] += tree.own[metric][v];
			if (!open[i])
				sums.total[metric][i] += tree.total[metric][v];
		}
		open[i]++;
	}, (v) => open[tree.ident[v]]--);
	return sums;
}

/* What the functions next to `chosen` have of it: callers, or callees. Each pair counts once in a stack. */
function sum_neighbours(tree, chosen, callers)
{
	const open = new Map(), sums = new Map();
	const key_of = (v) => {
		const up = tree.parent[v] > 0 ? tree.ident[tree.parent[v]] : -1, i = tree.ident[v];
		return (callers ? i : up) === chosen ? (callers ? up : i) : undefined;
	};
	walk_tree(tree, (v) => {
		const key = key_of(v);
		if (key === undefined)
			return;
		if (!open.get(key))
			sums.set(key, (sums.get(key) || 0) + tree.total[state.metric][v]);
		open.set(key, (open.get(key) || 0) + 1);
	}, (v) => {
		const key = key_of(v);
		if (key !== undefined)
			open.set(key, open.get(key) - 1);
	});
	return [...sums].filter(([, weight]) => weight > 0).sort((a, b) => b[1] - a[1]);
}

/* Idents that the search leaves, the heaviest first. */
function functions_listed()
{
	const { sums } = functions, test = state.query.trim() && graph.found ? search_test(state.query) : null;
	const weight = sums[functions.sort][state.metric], other = sums[functions.sort === 'own' ? 'total' : 'own'][state.metric];
	return Array.from(sums.frame.keys()).filter((i) => sums.frame[i] >= 0 && sums.total[state.metric][i] > 0 && (!test || test(sums.frame[i])))
		.sort((a, b) => weight[b] - weight[a] || other[b] - other[a] || a - b);
}

function function_where(i)
{
	const frame = i < 0 ? -1 : functions.sums.frame[i];
	if (frame < 0)
		return '';
	if (functions.sums.several[i])
		return `several files, ${base_name(frame_module(frame))}`;
	return base_name(frame_file(frame) || frame_module(frame));
}

/* i: its ident; -1: there is none. */
function function_row(cells, i)
{
	const frame = i < 0 ? -1 : functions.sums.frame[i];
	const name = element('button', { type: 'button', textContent: frame < 0 ? '(none: the oldest frame)' : frame_full(frame).slice(0, 400) });
	name.disabled = frame < 0;
	name.addEventListener('click', () => function_choose(frame));
	return element('tr', {}, ...cells.map((s) => element('td', { textContent: s })), element('th', { scope: 'row' }, name),
		element('td', { className: 'where', textContent: function_where(i) }));
}

function functions_head()
{
	const row = element('tr', {});
	for (const [key, label] of [['own', 'Own'], ['own', ''], ['total', 'Total'], ['total', '']]) {
		const b = element('button', { type: 'button', textContent: label, title: 'Sort by this' });
		b.addEventListener('click', () => {
			functions.sort = key;
			functions_show();
		});
		row.append(element('th', { scope: 'col', ariaSort: label && functions.sort === key ? 'descending' : 'none' }, label ? b : 'of all'));
	}
	row.append(element('th', { scope: 'col', className: 'name', textContent: 'Function' }), element('th', { scope: 'col', className: 'name', textContent: 'Where' }));
	return element('thead', {}, row);
}

/* By name: the numbers of functions change with what is shown. */
function function_choose(frame)
{
	functions.chosen = frame_full(frame);
	functions_show();
}

function neighbours_table(title, chosen, callers)
{
	const { tree, sums } = functions, whole = sums.total[state.metric][chosen];
	const rows = sum_neighbours(tree, chosen, callers).slice(0, functions_most).map(([i, weight]) =>
		function_row([format_metric(weight), format_share(weight, whole)], i));
	return element('table', {}, element('caption', { textContent: title }), element('tbody', {}, ...rows));
}

function functions_about(chosen)
{
	const { sums } = functions, box = by_id('function-about');
	box.hidden = chosen < 0;
	if (chosen < 0)
		return;
	const search = element('button', { type: 'button', className: 'reset', textContent: 'Show in the graph' });
	search.addEventListener('click', () => {
		set_query(frame_full(sums.frame[chosen]));
		set_panel('graph');
	});
	box.replaceChildren(element('h2', { textContent: frame_full(sums.frame[chosen]).slice(0, 600) }),
		element('p', { textContent: `${tip_place(sums.frame[chosen])}`.slice(0, 800) }), search,
		neighbours_table('Called by', chosen, true), neighbours_table('Calls', chosen, false));
}

/* Makes the table anew, if it is shown. */
function functions_show()
{
	if (!functions.shown)
		return;
	if (!functions.sums) {
		functions.tree = build_tree({ view: state.view, accept: accept_group, hide: state.hide, by_line: state.lines, reverse: meta.first.inverted });
		functions.sums = sum_functions(functions.tree);
	}
	const { sums } = functions, { own, total } = sums, whole = functions.tree.total[state.metric][0], listed = functions_listed();
	const rows = listed.slice(0, functions_most).map((i) => function_row(
		[own, total].flatMap((of) => [format_metric(of[state.metric][i]), format_share(of[state.metric][i], whole)]), i));
	const more = listed.length > rows.length ? [element('caption', { textContent: `${format_count(listed.length - rows.length)} more: search to see them` })] : [];
	by_id('function-list').replaceChildren(element('table', {}, ...more, functions_head(), element('tbody', {}, ...rows)));
	functions_about(sums.frame.findIndex((f) => f >= 0 && frame_full(f) === functions.chosen));
}

/* The stacks that are shown are others now. */
function functions_forget()
{
	functions.tree = functions.sums = null;
	functions_show();
}

function set_panel(panel)
{
	choose('panel', 'panel', panel, null);
	functions.shown = panel === 'functions';
	by_id('functions').hidden = !functions.shown;
	graph.scroll.hidden = by_id('path').hidden = functions.shown;
	functions_show();
	if (!functions.shown)
		graph_resize();
}
