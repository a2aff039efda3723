/*
 * data - what the page was written with: `meta` (facts, small) and the columns
 * (stacks and names, one gzip stream of little-endian arrays, each padded to
 * 8 bytes, in the order of meta.columns). A live page takes both from a later
 * copy of itself.
 *
 * Names come from the symbol tables of any program: they leave this file only
 * through text(), and enter the page only as textContent or canvas text.
 */
const meta = JSON.parse(document.getElementById('meta').textContent);
const columns = {};
const texts = new Map();
const utf8 = new TextDecoder('utf-8');
const column_types = { u8: Uint8Array, u32: Uint32Array, f64: Float64Array };

/* The columns of a page that has those facts. */
async function read_columns(page, facts)
{
	const coded = atob(page.getElementById('columns').textContent.trim());
	const packed = new Uint8Array(coded.length);
	for (let i = 0; i < coded.length; i++)
		packed[i] = coded.charCodeAt(i);
	const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
	const buffer = await new Response(stream).arrayBuffer();
	const read = {};
	let offset = 0;
	for (const c of facts.columns) {
		const type = column_types[c.type];
		read[c.name] = new type(buffer, offset, c.count);
		offset += Math.ceil(c.count * type.BYTES_PER_ELEMENT / 8) * 8;
	}
	const lengths = read.string_length;
	const ends = new Uint32Array(lengths.length + 1);
	for (let i = 0; i < lengths.length; i++)
		ends[i + 1] = ends[i] + lengths[i];
	read.string_end = ends;
	return read;
}

/* From now on the page shows these. */
function take_data(facts, read)
{
	Object.assign(meta, facts);
	Object.assign(columns, read);
	texts.clear();
}

/* Controls, line separators and direction marks would disturb whatever stands beside them. */
const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

function clean(s)
{
	return s.replace(/[\t\n\r]+/g, ' ').replace(unprintable, '\ufffd');
}


function text(id)
{
	let s = texts.get(id);
	if (s === undefined) {
		const ends = columns.string_end;
		s = clean(utf8.decode(columns.string_bytes.subarray(ends[id], ends[id + 1] - 1)));
		texts.set(id, s);
	}
	return s;
}

/* ---- views: the answers that the page was written with ---- */
const view_at = (i) => meta.views[i] || meta.views[0];

/* ---- frames ---- */
const FRAME_HIDDEN = 1;  /* allocator and runtime frames */
const FRAME_INLINED = 2;
const FRAME_OTHER = 4;   /* stands for nodes that were merged */
const FRAME_MAIN = 8;    /* in the main program */
const FRAME_ROOT = 16;

const frame_name = (f) => text(columns.frame_name[f]);
const frame_full = (f) => text(columns.frame_full[f]);
const frame_file = (f) => text(columns.frame_file[f]);
const frame_line = (f) => columns.frame_line[f];
const frame_module = (f) => text(columns.frame_module[f]);
const frame_flags = (f) => columns.frame_flags[f];

function base_name(path)
{
	return path.slice(path.lastIndexOf('/') + 1) || path;
}

/* ---- numbers ---- */
/* The same text as every other report prints: 10239 B, 583 KiB, 51.5 MiB. */
function format_size(bytes)
{
	const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
	let unit = 0, n = bytes;
	while (Math.abs(n) >= 10240 && unit < units.length - 1) {
		n /= 1024;
		unit++;
	}
	return unit === 0 ? `${n} B` : Math.abs(n) < 100 ? `${n.toFixed(1)} ${units[unit]}` : `${n.toFixed(0)} ${units[unit]}`;
}

function format_count(n)
{
	return n.toLocaleString('en-US');
}

function format_share(part, whole)
{
	if (!(whole > 0))
		return '0 %';
	const p = 100 * part / whole;
	return p >= 99.95 ? '100 %' : p >= 10 ? `${p.toFixed(1)} %` : p >= 0.01 || p === 0 ? `${p.toFixed(2)} %` : '<0.01 %';
}

function format_time(ns)
{
	if (ns < 1e3)
		return `${Math.round(ns)} ns`;
	if (ns < 1e6)
		return `${(ns / 1e3).toFixed(0)} µs`;
	if (ns < 1e9)
		return `${(ns / 1e6).toFixed(ns < 1e7 ? 1 : 0)} ms`;
	if (ns < 120e9)
		return `${(ns / 1e9).toFixed(2)} s`;
	return `${Math.floor(ns / 60e9)} min ${Math.round(ns / 1e9 % 60)} s`;
}
