/*
 * colour - a frame's colour depends on its names alone, so it is the same on
 * every page: warm for the main program, one hue per library, grey for what is
 * irrelevant.
 */
const library_hues = [96, 130, 158, 182, 202, 222, 246, 268, 292, 324];

function hash_text(s)
{
	let h = 2166136261;
	for (let i = 0; i < s.length; i++)
		h = Math.imul(h ^ s.charCodeAt(i), 16777619);
	h ^= h >>> 15;
	h = Math.imul(h, 0x2c1b3c6d);
	return (h ^ (h >>> 13)) >>> 0;
}

/* Of a library: its name without the version, so that libc.so.6 and libc-2.31.so agree. */
function module_hue(module)
{
	return library_hues[hash_text(base_name(module).replace(/(-[\d.]+)?\.so.*$/, '')) % library_hues.length];
}

function hsl(h, s, l)
{
	return `hsl(${h.toFixed(1)} ${s.toFixed(1)}% ${l.toFixed(1)}%)`;
}

function frame_colour(f, dark)
{
	const flags = frame_flags(f);
	if (flags & (FRAME_ROOT | FRAME_OTHER))
		return dark ? 'hsl(216 12% 24%)' : 'hsl(216 16% 89%)';
	const h = hash_text(frame_name(f));
	const spread = (h & 1023) / 1023, other = (h >>> 10 & 1023) / 1023;
	if (flags & FRAME_HIDDEN)
		return dark ? hsl(216, 8, 29 + 4 * spread) : hsl(216, 12, 82 + 5 * spread);
	if (flags & FRAME_MAIN)
		return dark ? hsl(8 + 36 * spread, 50 + 10 * other, 33 + 6 * other) : hsl(14 + 36 * spread, 88, 72 + 9 * other);
	const hue = module_hue(frame_module(f)) - 13 + 26 * spread;
	return dark ? hsl(hue, 30 + 8 * spread, 31 + 7 * other) : hsl(hue, 46 + 10 * spread, 76 + 8 * other);
}

function module_colour(module, main, dark)
{
	if (main)
		return dark ? 'hsl(24 55% 42%)' : 'hsl(26 88% 72%)';
	return dark ? hsl(module_hue(module), 34, 42) : hsl(module_hue(module), 50, 72);
}
