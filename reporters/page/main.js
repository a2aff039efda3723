/* main - pointer, keyboard, start, and the few calls by which a test looks in. */
function hover(event)
{
	const box = graph.canvas.getBoundingClientRect();
	const v = graph_node_at(event.clientX - box.left, event.clientY - box.top);
	live.pointer = event;
	if (v !== graph.hover) {
		graph.hover = v;
		graph.canvas.style.cursor = v >= 0 ? 'pointer' : 'default';
		tip.hidden = v < 0;
		if (v >= 0)
			tip_fill(v);
		graph_request();
	}
	if (v >= 0)
		tip_move(event.clientX, event.clientY);
}

function unhover()
{
	live.pointer = null;
	graph.hover = -1;
	tip.hidden = true;
	graph_request();
}

function clicked(event)
{
	const box = graph.canvas.getBoundingClientRect();
	const v = graph_node_at(event.clientX - box.left, event.clientY - box.top);
	if (v >= 0)
		zoom_to(v);
}

/* Up: to the parent. Down: to the largest child. Left, right: to the sibling. */
function step_zoom(key)
{
	const { tree, zoom } = graph;
	const up = tree.parent[zoom], siblings = up >= 0 ? node_children(up) : [zoom], i = siblings.indexOf(zoom);
	const goal = { ArrowUp: up, ArrowDown: node_children(zoom)[0], ArrowLeft: siblings[i - 1], ArrowRight: siblings[i + 1] }[key];
	if (goal >= 0)
		zoom_to(goal);
}

function key_pressed(event)
{
	const typing = event.target === by_id('search');
	if (event.ctrlKey || event.metaKey || event.altKey)
		return;
	if (event.key === 'Escape') {
		if (state.query)
			set_query('');
		else
			zoom_to(0);
		by_id('search').blur();
	} else if (event.key === '/' && !typing) {
		by_id('search').select();
		event.preventDefault();
	} else if (event.key === 'f' && !typing) {
		set_panel(state.panel === 'graph' ? 'functions' : 'graph');
	} else if (/^[1-9]$/.test(event.key) && !typing) {
		set_view(Number(event.key) - 1);
	} else if (event.key.startsWith('Arrow') && (event.target === graph.scroll || event.target === document.body)) {
		step_zoom(event.key);
		event.preventDefault();
	}
}

function listen()
{
	graph.canvas.addEventListener('mousemove', hover);
	graph.canvas.addEventListener('mouseleave', unhover);
	graph.canvas.addEventListener('click', clicked);
	graph.scroll.addEventListener('scroll', () => {
		unhover();
		graph_draw();
	});
	plot.canvas.addEventListener('mousemove', plot_hover);
	plot.canvas.addEventListener('mouseleave', () => plot_draw());
	document.addEventListener('keydown', key_pressed);
	new ResizeObserver(() => {
		graph_resize();
		plot_draw();
	}).observe(graph.scroll);
}

function node_info(v)
{
	const f = graph.tree.frame[v], { total, own } = graph.tree;
	return {
		id: v, name: frame_name(f), full: frame_full(f), file: frame_file(f), line: frame_line(f), depth: graph.tree.depth[v],
		value: total.bytes[v], count: total.count[v], own: own.bytes[v], parent: graph.tree.parent[v],
	};
}

/* Where a node is on the screen, for a test that clicks like a person. */
function node_spot(v)
{
	const box = graph.canvas.getBoundingClientRect(), scale = graph.width / (graph.to - graph.from);
	const left = Math.max((graph.shape.x[v] - graph.from) * scale, 0);
	const right = Math.min((graph.shape.x[v] + graph.shape.total[v] - graph.from) * scale, graph.width);
	return { x: box.left + (left + right) / 2, y: box.top + row_top(graph.tree.depth[v]) + row_height / 2, width: right - left };
}

window.tracker_flamegraph = {
	ready: false, error: null, meta, state, zoom_to, search: set_query, info: node_info, spot: node_spot,
	functions: () => Object.fromEntries(functions_listed().map((i) => [frame_full(functions.sums.frame[i]),
		[functions.sums.own[state.metric][i], functions.sums.total[state.metric][i]]])),
	children: (v) => node_children(v).map(node_info),
	find: (name) => Array.from(graph.tree.frame).findIndex((f, v) => v > 0 && frame_name(f) === name),
	shown: () => ({
		zoom: graph.zoom, from: graph.from, to: graph.to, nodes: graph.tree.n, depth: graph.shape.levels.length,
		view: view_shown().name, metric: graph.shape.metric, matched: graph.found && { nodes: graph.found.nodes, bytes: graph.found.bytes },
		theme: document.documentElement.dataset.theme, total: node_info(0),
	}),
	live,
};

async function start()
{
	take_data(meta, await read_columns(document, meta));
	show_facts();
	by_id('plot-box').hidden = !plot_has_data();
	setup_controls();
	set_theme(first_theme());
	refresh(true);
	listen();
	by_id('loading').remove();
	graph_resize();
	if (meta.live)
		live_begin();
	window.tracker_flamegraph.ready = true;
}

start().catch((e) => {
	window.tracker_flamegraph.error = String(e);
	by_id('loading').textContent = `This page cannot show its graph: ${e.message || e}. A browser of 2023 or later is needed.`;
});
