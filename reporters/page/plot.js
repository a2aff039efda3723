/*
 * plot - live heap over time (the highest value of each bin), the resident set
 * when it was recorded, the peak, the point shown and the program's marks.
 */
const plot = { canvas: document.getElementById('plot'), label: document.getElementById('plot-label') };

function plot_has_data()
{
	return columns.plot_heap.length > 1;
}

/* The time at the left edge. */
function plot_from()
{
	return meta.live ? meta.live.from_ns : 0;
}

function plot_top()
{
	let top = 1;
	for (const column of [columns.plot_heap, columns.plot_rss])
		for (const value of column)
			top = Math.max(top, value);
	return top;
}

function plot_draw()
{
	if (!plot_has_data())
		return;
	const ratio = window.devicePixelRatio || 1, c = plot.canvas.getContext('2d');
	const width = plot.canvas.clientWidth, height = plot.canvas.clientHeight;
	plot.canvas.width = Math.round(width * ratio);
	plot.canvas.height = Math.round(height * ratio);
	c.setTransform(ratio, 0, 0, ratio, 0, 0);
	const style = getComputedStyle(document.documentElement);
	const accent = style.getPropertyValue('--accent'), dim = style.getPropertyValue('--dim');
	const top = plot_top() * 1.12;
	const spot = (i, n, value) => [i / (n - 1) * width, height - 2 - value / top * (height - 6)];
	plot_line(c, columns.plot_rss, spot, dim, false, height);
	plot_line(c, columns.plot_heap, spot, accent, true, height);
	for (const mark of meta.marks)
		plot_vertical(c, mark.time_ns, dim, [2, 3], mark.label, width, height);
	if (view_shown().time_ns !== null)
		plot_vertical(c, view_shown().time_ns, accent, [4, 3], '', width, height);
	plot.label.textContent = plot_text(-1);
}

function plot_line(c, values, spot, colour, filled, height)
{
	if (values.length < 2)
		return;
	c.beginPath();
	values.forEach((value, i) => c.lineTo(...spot(i, values.length, value)));
	c.strokeStyle = colour;
	c.lineWidth = 1.4;
	c.setLineDash([]);
	c.stroke();
	if (!filled)
		return;
	c.lineTo(spot(values.length - 1, values.length, 0)[0], height);
	c.lineTo(0, height);
	c.fillStyle = colour;
	c.globalAlpha = 0.16;
	c.fill();
	c.globalAlpha = 1;
}

function plot_vertical(c, time_ns, colour, dash, label, width, height)
{
	const from = plot_from(), x = meta.duration_ns > from ? (time_ns - from) / (meta.duration_ns - from) * width : 0;
	c.strokeStyle = c.fillStyle = colour;
	c.lineWidth = 1;
	c.setLineDash(dash);
	c.beginPath();
	c.moveTo(x, 0);
	c.lineTo(x, height);
	c.stroke();
	c.font = '10.5px system-ui, sans-serif';
	c.fillText(clean(label).slice(0, 40), x + 3, 11);
}

function plot_text(i)
{
	const n = columns.plot_heap.length;
	if (i < 0)
		return `heap over ${format_time(meta.duration_ns - plot_from())}, peak ${format_size(meta.totals.peak_bytes)}` +
			(columns.plot_rss.length ? ' · grey: resident set' : '');
	const rss = columns.plot_rss.length ? ` · resident ${format_size(Math.round(columns.plot_rss[i]))}` : '';
	return `${format_time(plot_from() + (meta.duration_ns - plot_from()) * i / (n - 1))}: heap ${format_size(columns.plot_heap[i])}${rss}`;
}

function plot_hover(event)
{
	const box = plot.canvas.getBoundingClientRect(), n = columns.plot_heap.length;
	const i = Math.round((event.clientX - box.left) / box.width * (n - 1));
	plot.label.textContent = plot_text(Math.min(Math.max(i, 0), n - 1));
}
