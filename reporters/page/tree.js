/*
 * tree - the stacks as they were written (base nodes, a parent before its
 * children) -> the tree that is shown: one process or thread, with or without
 * irrelevant frames, by function or by line, as written or turned round.
 *
 * Nothing here recurses: stacks may be thousands of frames deep.
 */

/* Frames that count as one box: all of a function, or (by line) each of its lines. */
function frame_idents(by_line)
{
	const count = columns.frame_name.length;
	const idents = new Uint32Array(count), seen = new Map();
	for (let f = 0; f < count; f++) {
		const base = `${columns.frame_full[f]} ${columns.frame_module[f]} ${frame_flags(f) & FRAME_HIDDEN}`;
		const key = by_line ? `${base} ${columns.frame_file[f]} ${columns.frame_line[f]}` : base;
		let ident = seen.get(key);
		if (ident === undefined)
			seen.set(key, ident = seen.size);
		idents[f] = ident;
	}
	return idents;
}

/* What each base node owns in a view, of the chosen groups (a process or a thread each). */
function own_values({ view, accept })
{
	const n = columns.parent.length;
	const bytes = new Float64Array(n), count = new Float64Array(n);
	for (let r = 0; r < columns.row_node.length; r++) {
		if (columns.row_view[r] !== view || !accept(columns.row_group[r]))
			continue;
		bytes[columns.row_node[r]] += columns.row_bytes[r];
		count[columns.row_node[r]] += columns.row_count[r];
	}
	return { bytes, count };
}

/* Nodes of the shown tree, found by (parent, ident); node 0 is the root. */
class node_table {
	constructor(root_frame)
	{
		this.mask = 1023;
		this.slots = new Int32Array(1024);
		this.parent = [-1];
		this.ident = [-1];
		this.frame = [root_frame];
	}

	hash(parent, ident)
	{
		const h = Math.imul(parent, 0x9e3779b1) ^ Math.imul(ident + 1, 0x85ebca6b);
		return (h ^ (h >>> 15)) & this.mask;
	}

	grow()
	{
		this.mask = this.mask * 2 + 1;
		this.slots = new Int32Array(this.mask + 1);
		for (let v = 1; v < this.parent.length; v++) {
			let h = this.hash(this.parent[v], this.ident[v]);
			while (this.slots[h])
				h = (h + 1) & this.mask;
			this.slots[h] = v;
		}
	}

	child(parent, ident, frame)
	{
		let h = this.hash(parent, ident);
		for (; this.slots[h]; h = (h + 1) & this.mask) {
			const v = this.slots[h];
			if (this.parent[v] === parent && this.ident[v] === ident)
				return v;
		}
		const v = this.parent.push(parent) - 1;
		this.ident.push(ident);
		this.frame.push(frame);
		this.slots[h] = v;
		if (v * 2 > this.mask)
			this.grow();
		return v;
	}
}

/* Base nodes that own something, or have it above them: the others belong to other views or processes. */
function nodes_in_use(own)
{
	const { parent } = columns, used = new Uint8Array(parent.length);
	for (let i = parent.length - 1; i > 0; i--) {
		if (own.bytes[i] || own.count[i])
			used[i] = 1;
		if (used[i])
			used[parent[i]] = 1;
	}
	return used;
}

/* As written: every base node that is in use becomes, or joins, one shown node. */
function merge_straight(table, idents, own, hide, map)
{
	const { parent, frame } = columns, used = nodes_in_use(own);
	for (let i = 1; i < parent.length; i++) {
		const up = map[parent[i]];
		map[i] = !used[i] || hide && frame_flags(frame[i]) & FRAME_HIDDEN ? up : table.child(up, idents[frame[i]], frame[i]);
	}
	return Array.from(map, (v, i) => [v, i]);
}

/* Turned round: each base node that owns something adds its stack the other way round. */
function merge_reverse(table, idents, own, hide)
{
	const { parent, frame } = columns;
	const owners = [];
	for (let i = 0; i < parent.length; i++) {
		if (!own.bytes[i] && !own.count[i])
			continue;
		let v = 0;
		for (let b = i; b > 0; b = parent[b]) {
			if (!hide || !(frame_flags(frame[b]) & FRAME_HIDDEN))
				v = table.child(v, idents[frame[b]], frame[b]);
		}
		owners.push([v, i]);
	}
	return owners;
}

function build_tree(choice)
{
	const own = own_values(choice);
	const idents = frame_idents(choice.by_line);
	const table = new node_table(columns.frame[0]);
	const map = new Uint32Array(columns.parent.length);
	const owners = choice.reverse ? merge_reverse(table, idents, own, choice.hide) :
		merge_straight(table, idents, own, choice.hide, map);
	const n = table.parent.length;
	const tree = {
		choice, n, map: choice.reverse ? null : map,
		parent: Int32Array.from(table.parent), frame: Uint32Array.from(table.frame), ident: Int32Array.from(table.ident),
		depth: new Uint32Array(n),
		own: { bytes: new Float64Array(n), count: new Float64Array(n) },
		total: { bytes: new Float64Array(n), count: new Float64Array(n) },
	};
	for (const [v, i] of owners) {
		tree.own.bytes[v] += own.bytes[i];
		tree.own.count[v] += own.count[i];
	}
	for (const metric of ['bytes', 'count'])
		sum_up(tree, metric);
	for (let v = 1; v < n; v++)
		tree.depth[v] = tree.depth[tree.parent[v]] + 1;
	return tree;
}

function sum_up(tree, metric)
{
	const total = tree.total[metric];
	total.set(tree.own[metric]);
	for (let v = tree.n - 1; v > 0; v--)
		total[tree.parent[v]] += total[v];
}

/*
 * Where every node lies: x in units of the metric, levels[depth] = nodes from
 * left to right. Siblings stand largest first; what weighs nothing is left out.
 */
function lay_out(tree, metric)
{
	const total = tree.total[metric];
	const order = new Uint32Array(tree.n).map((_, v) => v).filter((v) => total[v] > 0);
	order.sort((a, b) => total[b] - total[a] || a - b);
	const levels = [];
	for (const v of order)
		(levels[tree.depth[v]] ||= []).push(v);
	const x = new Float64Array(tree.n), next = new Float64Array(tree.n);
	for (const level of levels.slice(1)) {
		for (const v of level) {
			x[v] = next[v] = next[tree.parent[v]];
			next[tree.parent[v]] += total[v];
		}
	}
	return { metric, total, x, levels: levels.map((l) => Uint32Array.from(l).sort((a, b) => x[a] - x[b])) };
}

/* The lines of the boxes behind a shown node, heaviest first: [[file:line, bytes, count]]. */
function lines_of(tree, node)
{
	if (!tree.map)
		return [];
	const weight = new Map();
	const base = base_totals(tree);
	for (let i = 1; i < tree.map.length; i++) {
		const f = columns.frame[i];
		if (tree.map[i] !== node || tree.choice.hide && frame_flags(f) & FRAME_HIDDEN || !frame_line(f))
			continue;
		const key = `${frame_file(f)}:${frame_line(f)}`;
		const entry = weight.get(key) || [key, 0, 0];
		entry[1] += base.bytes[i];
		entry[2] += base.count[i];
		weight.set(key, entry);
	}
	return [...weight.values()].sort((a, b) => b[1] - a[1]);
}

function base_totals(tree)
{
	if (!tree.base) {
		tree.base = own_values(tree.choice);
		for (let i = columns.parent.length - 1; i > 0; i--) {
			tree.base.bytes[columns.parent[i]] += tree.base.bytes[i];
			tree.base.count[columns.parent[i]] += tree.base.count[i];
		}
	}
	return tree.base;
}

/* "/.../" is a regular expression, "module:x" looks at modules only, anything else is text. */
function search_test(query)
{
	const q = query.trim();
	const regex = /^\/(.+?)\/?$/.exec(q);
	if (regex) {
		const re = new RegExp(regex[1], 'i');
		return (f) => re.test(frame_full(f)) || re.test(frame_name(f)) || re.test(frame_file(f));
	}
	if (q.startsWith('module:')) {
		const module = q.slice(7);
		return (f) => frame_module(f) === module || base_name(frame_module(f)) === module;
	}
	const low = q.toLowerCase();
	const has = (s) => s.toLowerCase().includes(low);
	return (f) => has(frame_name(f)) || has(frame_full(f)) || has(frame_file(f));
}

/* Marks the nodes that match; what lies above a match counts once in ret.bytes and ret.count. */
function search_tree(tree, test)
{
	const by_frame = new Int8Array(columns.frame_name.length).fill(-1);
	const hit = new Uint8Array(tree.n), covered = new Uint8Array(tree.n);
	const ret = { hit, nodes: 0, bytes: 0, count: 0 };
	for (let v = 1; v < tree.n; v++) {
		const f = tree.frame[v];
		if (by_frame[f] < 0)
			by_frame[f] = !(frame_flags(f) & FRAME_OTHER) && test(f) ? 1 : 0;
		hit[v] = by_frame[f];
		ret.nodes += hit[v];
		if (hit[v] && !covered[tree.parent[v]]) {
			ret.bytes += tree.total.bytes[v];
			ret.count += tree.total.count[v];
		}
		covered[v] = hit[v] | covered[tree.parent[v]];
	}
	return ret;
}
