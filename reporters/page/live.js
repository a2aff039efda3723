/*
 * live - of a page that tracker live --web serves: it fetches a later copy of
 * itself every few seconds and shows that, with the reader's choices kept.
 */
const live = { updates: 0, paused: false, words: '', pointer: null };

const live_words = {
	recording: () => `live, ${format_time(view_shown().time_ns)}`,
	waiting: () => 'the recording has not begun yet; what lives is known',
	ended: () => 'the recording has ended: this is how it ended',
	broken: () => 'the recorder was killed: this is the last that is known',
	file: () => 'a finished recording: this is how it ended',
};

function live_goes_on()
{
	return meta.live.state === 'recording' || meta.live.state === 'waiting';
}

function live_facts(box)
{
	const t = meta.totals;
	box.append(fact(format_size(t.peak_bytes), 'peak'));
	box.append(fact(format_count(t.allocations), 'allocations'));
	if (meta.live.rss_bytes)
		box.append(fact(format_size(meta.live.rss_bytes), 'resident memory (RSS)'));
}

function live_say(words)
{
	live.words = words;
	by_id('live').textContent = words;
	by_id('live').classList.toggle('still', !live_goes_on() || live.paused);
}

/* The group of the chosen thread in other data; -1: it is not there. */
function live_thread(chosen)
{
	return chosen ? meta.groups.findIndex((g) => g.process === chosen.process && g.thread === chosen.thread) : -1;
}

function live_show(facts, read)
{
	const zoomed = zoom_names(), chosen = meta.groups[state.thread];
	take_data(facts, read);
	state.thread = live_thread(chosen);
	graph.colours = new Array(columns.frame_name.length);
	show_facts();
	if (!['process', 'thread'].includes(document.activeElement.id)) /* an open list would close */
		refill_selects();
	show_tree(zoomed);
	by_id('plot-box').hidden = !plot_has_data();
	plot_draw();
	if (live.pointer)
		hover(live.pointer);
	live.updates++;
}

async function live_fetch()
{
	const answer = await fetch(location.href, { cache: 'no-store' });
	if (!answer.ok)
		throw new Error(await answer.text());
	const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
	const facts = JSON.parse(page.getElementById('meta').textContent);
	const read = await read_columns(page, facts);
	if (!live.paused)
		live_show(facts, read);
}

async function live_step()
{
	if (!live.paused && !document.hidden) {
		try {
			await live_fetch();
			live_say(live_words[meta.live.state]());
		} catch (e) {
			live_say('no answer: has tracker live --web ended?');
		}
	}
	if (live_goes_on())
		setTimeout(live_step, meta.live.interval_ms);
	else
		by_id('pause').hidden = true;
}

function live_begin()
{
	const pause = by_id('pause');
	by_id('live').hidden = false;
	pause.hidden = !live_goes_on();
	pause.addEventListener('click', () => {
		live.paused = !live.paused;
		pause.textContent = live.paused ? 'Go on' : 'Pause';
		live_say(live.paused ? `paused at ${format_time(view_shown().time_ns)}` : live_words[meta.live.state]());
	});
	live_say(live_words[meta.live.state]());
	if (live_goes_on())
		setTimeout(live_step, meta.live.interval_ms);
}
