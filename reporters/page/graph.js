/*
 * graph - draws the tree on a canvas as high as the window: the box below it
 * has the height of the whole graph and scrolls, so depth costs nothing.
 */
const row_height = 20;
const graph_font = '12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';

const graph = {
	canvas: document.getElementById('graph'),
	scroll: document.getElementById('scroll'),
	spacer: document.getElementById('spacer'),
	tree: null, shape: null, found: null,
	zoom: 0, from: 0, to: 1,	/* shown part, in units of the metric */
	hover: -1, flame: false, dark: false,
	width: 0, height: 0, colours: null, pending: 0, animation: 0,
};

function graph_set(tree, shape)
{
	graph.tree = tree;
	graph.shape = shape;
	graph.zoom = 0;
	graph.hover = -1;
	graph.from = 0;
	graph.to = Math.max(shape.total[0], 1);
	graph_resize();
}

function graph_resize()
{
	const ratio = window.devicePixelRatio || 1;
	graph.width = graph.scroll.clientWidth;
	graph.height = graph.scroll.clientHeight;
	graph.canvas.width = Math.round(graph.width * ratio);
	graph.canvas.height = Math.round(graph.height * ratio);
	graph.canvas.style.height = `${graph.height}px`;
	graph.spacer.style.height = `${graph_full_height()}px`;
	graph_draw();
}

function graph_full_height()
{
	return Math.max(graph.shape ? graph.shape.levels.length * row_height + 8 : 0, graph.height);
}

/* Top of a row on the canvas. */
function row_top(depth)
{
	const y = graph.flame ? graph_full_height() - (depth + 1) * row_height - 4 : depth * row_height + 4;
	return y - graph.scroll.scrollTop;
}

function row_at(y)
{
	const full = y + graph.scroll.scrollTop;
	return Math.floor((graph.flame ? graph_full_height() - 4 - full : full - 4) / row_height);
}

/* First node of the level that ends right of x. */
function first_after(level, x)
{
	let low = 0, high = level.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (graph.shape.x[level[middle]] + graph.shape.total[level[middle]] > x)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

function graph_node_at(px, py)
{
	const level = graph.shape && graph.shape.levels[row_at(py)];
	if (!level)
		return -1;
	const x = graph.from + px / graph.width * (graph.to - graph.from);
	const v = level[first_after(level, x)];
	return v !== undefined && graph.shape.x[v] <= x ? v : -1;
}

function graph_request()
{
	graph.pending ||= requestAnimationFrame(graph_draw);
}

function graph_draw()
{
	cancelAnimationFrame(graph.pending);
	graph.pending = 0;
	const ratio = window.devicePixelRatio || 1, c = graph.canvas.getContext('2d');
	c.setTransform(ratio, 0, 0, ratio, 0, 0);
	c.clearRect(0, 0, graph.width, graph.height);
	if (!graph.shape)
		return;
	c.font = graph_font;
	c.textBaseline = 'middle';
	if (graph.shape.levels.length === 0)
		draw_nothing(c);
	const a = row_at(0), b = row_at(graph.height);
	const last = Math.min(Math.max(a, b), graph.shape.levels.length - 1);
	for (let depth = Math.max(Math.min(a, b), 0); depth <= last; depth++)
		draw_level(c, graph.shape.levels[depth], row_top(depth));
}

function draw_nothing(c)
{
	c.fillStyle = graph.dark ? '#9aa4b2' : '#5c6570';
	c.fillText(`Nothing to show: no ${view_shown().unit} of more than 0 ${graph.shape.metric}.`, 8, 20);
}

function draw_level(c, level, top)
{
	const { x, total } = graph.shape, scale = graph.width / (graph.to - graph.from);
	let painted = -1;	/* right end of what is drawn: slivers below half a pixel share one */
	for (let i = first_after(level, graph.from); i < level.length && x[level[i]] < graph.to; i++) {
		const v = level[i];
		const left = Math.max((x[v] - graph.from) * scale, 0);
		const right = Math.min((x[v] + total[v] - graph.from) * scale, graph.width);
		if (right <= painted + 0.5)
			continue;
		draw_node(c, v, left, top, right - left);
		painted = Math.max(right, left + 0.5);
	}
}

function node_colour(v)
{
	const f = graph.tree.frame[v];
	return graph.colours[f] ||= frame_colour(f, graph.dark);
}

function draw_node(c, v, left, top, width)
{
	const hit = graph.found && graph.found.hit[v];
	const faded = graph.found && !hit || graph.tree.depth[v] < graph.tree.depth[graph.zoom];
	const gap = width > 3 ? 1 : 0;
	c.globalAlpha = faded ? 0.42 : 1;
	c.fillStyle = hit ? (graph.dark ? '#b8349b' : '#f08bdc') : node_colour(v);
	if (width > 8) {
		c.beginPath();
		c.roundRect(left, top, width - gap, row_height - 1, 2.5);
		c.fill();
	} else {
		c.fillRect(left, top, Math.max(width - gap, 0.5), row_height - 1);
	}
	c.globalAlpha = 1;
	if (width > 22)
		draw_label(c, v, left, top, width - gap, faded, hit);
	if (v === graph.hover) {
		c.strokeStyle = graph.dark ? '#ffffff' : '#1a1e24';
		c.lineWidth = 1.5;
		c.strokeRect(left + 0.75, top + 0.75, Math.max(width - gap - 1.5, 1), row_height - 2.5);
	}
}

function draw_label(c, v, left, top, width, faded, hit)
{
	const room = width - 10, y = top + row_height / 2;
	const name = frame_name(graph.tree.frame[v]);
	const shown = fit_text(c, name, room);
	if (!shown)
		return;
	c.fillStyle = graph.dark ? (hit ? '#ffffff' : faded ? '#b9c0ca' : '#f3f5f8') : faded ? '#4a525c' : '#15181d';
	c.fillText(shown, left + 5, y);
	const value = format_metric(graph.shape.total[v]);
	const used = c.measureText(shown).width, needed = c.measureText(value).width + 18;
	if (shown === name && room - used > needed) {
		c.globalAlpha = 0.62;
		c.fillText(value, left + 5 + used + 10, y);
		c.globalAlpha = 1;
	}
}

function format_metric(n)
{
	return graph.shape.metric === 'bytes' ? format_size(n) : format_count(n);
}

/* The longest start of s that fits; '' when not even three letters do. */
function fit_text(c, s, room)
{
	if (s.length * 3 < room && c.measureText(s).width <= room)
		return s;
	const cut = s.slice(0, Math.ceil(room / 2));
	const full = c.measureText(cut).width;
	if (cut.length === s.length && full <= room)
		return s;
	let n = Math.min(cut.length, Math.floor(cut.length * room / full));
	while (n > 2 && c.measureText(`${cut.slice(0, n)}…`).width > room)
		n--;
	return n > 2 ? `${cut.slice(0, n)}…` : '';
}

/* Shows the node and what is below it over the whole width. */
function graph_zoom(node, at_once)
{
	graph.zoom = node;
	const goal = { from: graph.shape.x[node], to: graph.shape.x[node] + Math.max(graph.shape.total[node], 1e-9) };
	const start = { from: graph.from, to: graph.to }, began = performance.now();
	cancelAnimationFrame(graph.animation);
	const step = (now) => {
		const t = at_once ? 1 : Math.min(Math.max((now - began) / 180, 0), 1), ease = 1 - (1 - t) ** 3;
		graph.from = t === 1 ? goal.from : start.from + (goal.from - start.from) * ease;
		graph.to = t === 1 ? goal.to : start.to + (goal.to - start.to) * ease;
		graph_draw();
		if (t < 1)
			graph.animation = requestAnimationFrame(step);
	};
	step(began);
}

function graph_scroll_to_root()
{
	graph.scroll.scrollTop = graph.flame ? graph_full_height() : 0;
}

/* Brings the row of a node into the window when it is outside. */
function graph_reveal(node)
{
	const top = row_top(graph.tree.depth[node]);
	if (top < 0 || top + row_height > graph.height)
		graph.scroll.scrollTop += top - graph.height / 3;
}
