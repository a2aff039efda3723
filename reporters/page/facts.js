/* facts - the head of the page: what was recorded, what is shown, what is missing. */
function element(tag, props, ...children)
{
	const e = Object.assign(document.createElement(tag), props);
	e.append(...children);
	return e;
}

function fact(value, label, first)
{
	return element('div', { className: first ? 'fact first' : 'fact' },
		element('b', { textContent: value }), element('span', { textContent: label }));
}

/* "1 block", "2 blocks". */
function counted(n, things)
{
	return `${format_count(n)} ${n === 1 ? things.slice(0, -1) : things}`;
}

function show_facts()
{
	const t = meta.totals, v = view_shown(), p = meta.processes[meta.process], box = document.getElementById('facts');
	document.title = `${v.title} · ${p ? clean(p.name) : meta.capture}`;
	document.getElementById('view-title').textContent = v.title;
	document.getElementById('command').textContent = clean(meta.command_line);
	document.getElementById('command').title = clean(meta.command_line);
	box.replaceChildren();
	const at = v.time_ns === null ? '' : ` at ${format_time(v.time_ns)}`;
	box.append(fact(format_size(v.bytes), `shown, in ${counted(v.count, v.unit)}${at}`, true));
	if (v.kept_blocks)
		box.append(fact(format_size(v.kept_bytes), `of it in ${counted(v.kept_blocks, 'blocks')} kept by the C and C++ runtimes`));
	if (meta.live) {
		live_facts(box);
	} else {
		box.append(fact(format_size(t.peak_bytes), `peak, at ${format_time(t.peak_time_ns)}`));
		box.append(fact(format_count(t.allocations), 'allocations'));
		box.append(fact(format_size(t.bytes_allocated), 'allocated in all'));
		box.append(fact(format_count(t.temporary), 'temporary'));
		box.append(fact(format_size(t.live_bytes), `not freed, in ${counted(t.live_blocks, 'blocks')}`));
	}
	if (t.reserved_bytes)
		box.append(fact(format_size(t.reserved_bytes), `address space reserved in ${counted(t.reserved_mappings, 'mappings')}, not counted as heap`));
	box.append(fact(format_time(meta.duration_ns), `from ${start_text()}`));
	if (p)
		box.append(fact(String(p.pid), meta.all_processes && meta.processes.length > 1 ? `pid, and ${meta.processes.length - 1} more` : 'pid'));
	show_warnings();
}

function start_text()
{
	const d = new Date(meta.start_unix_ns / 1e6);
	return Number.isNaN(d.getTime()) ? '?' : d.toISOString().slice(0, 19).replace('T', ' ') + ' UTC';
}

function show_warnings()
{
	const box = document.getElementById('warnings');
	box.replaceChildren();
	for (const w of meta.warnings)
		box.append(element('div', { textContent: clean(w) }));
	box.hidden = meta.warnings.length === 0;
	document.getElementById('note').textContent = note_text();
}

function note_text()
{
	const n = meta.nodes;
	const merged = n.merged ? `${format_count(n.merged)} small ones of ${format_count(n.total)} stand together as “(other)”, ` +
		`${format_share(view_shown().merged_bytes, view_shown().bytes)} of the bytes` : '';
	return `${format_count(n.total - n.merged)} stack nodes${merged && `; ${merged}`} · ${meta.program} · ${clean(meta.capture)}`;
}

/* "Blocks" or "Allocations": what is counted in this view. */
function unit_name()
{
	const { unit } = view_shown();
	return unit[0].toUpperCase() + unit.slice(1);
}

/* ---- what the pointer is on ---- */
const tip = document.getElementById('tip');

function tip_row(label, ...cells)
{
	return element('tr', {}, element('th', { textContent: label }), ...cells.map((s) => element('td', { textContent: s })));
}

function tip_place(f)
{
	const flags = frame_flags(f), file = frame_file(f), module = frame_module(f);
	const line = frame_line(f) ? `:${frame_line(f)}` : '';
	const parts = [];
	if (file)
		parts.push(file + line);
	if (module && module !== file)
		parts.push(module);
	if (flags & FRAME_INLINED)
		parts.push('inlined');
	if (flags & FRAME_HIDDEN)
		parts.push('irrelevant: allocator or runtime');
	return parts.join('  ·  ');
}

function tip_fill(v)
{
	const { tree } = graph, f = tree.frame[v], up = Math.max(tree.parent[v], 0);
	const table = element('table', {});
	table.append(tip_row('', 'here', 'of all', 'of parent', 'own'));
	for (const [metric, label, show] of [['bytes', 'Bytes', format_size], ['count', unit_name(), format_count]]) {
		const n = tree.total[metric];
		table.append(tip_row(label, show(n[v]), format_share(n[v], n[0]), format_share(n[v], n[up]), show(tree.own[metric][v])));
	}
	const lines = lines_of(tree, v);
	if (lines.length > 1) {
		for (const [place, bytes] of lines.slice(0, 5))
			table.append(tip_row(base_name(place).slice(-48), format_size(bytes), format_share(bytes, tree.total.bytes[v])));
		if (lines.length > 5)
			table.append(tip_row(`and ${lines.length - 5} more lines`));
	}
	tip.replaceChildren(element('div', { className: 'name', textContent: frame_full(f).slice(0, 1200) }),
		element('div', { className: 'place', textContent: tip_place(f).slice(0, 800) }), table);
}

function tip_move(x, y)
{
	const box = tip.getBoundingClientRect();
	const left = Math.min(x + 14, window.innerWidth - box.width - 8);
	const top = y + 18 + box.height > window.innerHeight ? y - box.height - 12 : y + 18;
	tip.style.left = `${Math.max(left, 8)}px`;
	tip.style.top = `${Math.max(top, 8)}px`;
}
