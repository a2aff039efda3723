/*
 * tracker.hpp - tracker.h for C++11 and later: alarms, sizes, regions, tracing and captures that end with their scope, and exceptions.
 *
 * TRACKER_ALARM_THROW throws tracker::allocation_error out of operator new where this header is included.
 */
#ifndef TRACKER_HPP
#define TRACKER_HPP

#include "tracker.h"

#include <cstddef>
#include <cstdint>
#include <new>
#include <stdexcept>

namespace tracker
{

/* What an alarm throws. It allocates nothing. */
class allocation_error : public std::bad_alloc
{
    public:
	explicit allocation_error(const tracker_alarm_event &event) noexcept : event_(event)
	{
		char *at = text_;

		at = append(at, "Attempt to allocate ");
		at = append(at, event.block_count);
		at = append(at, " blocks (");
		at = append(at, event.size);
		at = append(at, " bytes) by ");
		at = append(at, event.allocator);
		*at = 0;
	}

	const char *what() const noexcept override
	{
		return text_;
	}

	const tracker_alarm_event &event() const noexcept
	{
		return event_;
	}

    private:
	/* 20 digits at most, twice, and the longest name of an allocator. */
	char text_[128];
	tracker_alarm_event event_;

	static char *append(char *at, const char *text) noexcept
	{
		while (*text)
			*at++ = *text++;
		return at;
	}

	static char *append(char *at, std::size_t n) noexcept
	{
		char digits[24], *first = digits + sizeof(digits) - 1;

		*first = 0;
		do
			*--first = static_cast<char>('0' + n % 10);
		while ((n /= 10) != 0);
		return append(at, first);
	}
};

/* Armed while it lives. */
class alarm
{
    public:
	explicit alarm(std::size_t minimum_block_count, tracker_alarm_action action = TRACKER_ALARM_THROW, bool repeat = false,
		       tracker_scope scope = TRACKER_SCOPE_THREAD, std::size_t ignore = 0) noexcept : alarm_()
	{
		alarm_.minimum_block_count = minimum_block_count;
		alarm_.action = action;
		alarm_.repeat = repeat;
		alarm_.scope = scope;
		status_ = tracker_alarm_enter(tracker_alarm_ignore(&alarm_, ignore));
	}

	~alarm()
	{
		(void)tracker_alarm_exit(&alarm_);
	}

	alarm(const alarm &) = delete;
	alarm &operator=(const alarm &) = delete;

	/* TRACKER_OK: it is armed. */
	int status() const noexcept
	{
		return status_;
	}

	std::size_t fired() const noexcept
	{
		return alarm_.fired;
	}

    private:
	tracker_alarm alarm_;
	int status_;
};

/* Counts while it lives. */
class allocation_size
{
    public:
	explicit allocation_size(tracker_scope scope = TRACKER_SCOPE_THREAD) noexcept : sizes_()
	{
		sizes_.scope = scope;
		status_ = tracker_allocation_size_enter(&sizes_);
	}

	~allocation_size()
	{
		(void)tracker_allocation_size_exit(&sizes_);
	}

	allocation_size(const allocation_size &) = delete;
	allocation_size &operator=(const allocation_size &) = delete;

	int status() const noexcept
	{
		return status_;
	}

	std::size_t size() const noexcept
	{
		return TRACKER_ALLOCATION_SIZE_BUCKETS;
	}

	std::uint64_t operator[](std::size_t bucket) const noexcept
	{
		return sizes_.bucket[bucket];
	}

	const std::uint64_t *begin() const noexcept
	{
		return sizes_.bucket;
	}

	const std::uint64_t *end() const noexcept
	{
		return sizes_.bucket + TRACKER_ALLOCATION_SIZE_BUCKETS;
	}

    private:
	tracker_allocation_size sizes_;
	int status_;
};

/* What a call that failed says: tracker_last_error(), and its code. */
class error : public std::runtime_error
{
    public:
	explicit error(int code) : std::runtime_error(tracker_last_error()), code_(code)
	{
	}

	int code() const noexcept
	{
		return code_;
	}

    private:
	int code_;
};

/* The program is traced while it lives. Inside another one it changes nothing: the limit stays, and tracing goes on when it ends. */
class tracing
{
    public:
	explicit tracing(int nframe = TRACKER_NFRAME_DEFAULT) noexcept
		: outer_(tracker_is_tracing() == 1), status_(tracker_start(nframe))
	{
	}

	~tracing()
	{
		if (!outer_ && status_ == TRACKER_OK)
			(void)tracker_stop();
	}

	tracing(const tracing &) = delete;
	tracing &operator=(const tracing &) = delete;

	/* TRACKER_OK: it traces. */
	int status() const noexcept
	{
		return status_;
	}

    private:
	bool outer_;
	int status_;
};

/* A named span of this thread's work. The name must live as long as it does. */
class region
{
    public:
	explicit region(const char *name) noexcept : name_(name), status_(tracker_region_begin(name))
	{
	}

	~region()
	{
		if (status_ == TRACKER_OK)
			(void)tracker_region_end(name_);
	}

	region(const region &) = delete;
	region &operator=(const region &) = delete;

	int status() const noexcept
	{
		return status_;
	}

    private:
	const char *name_;
	int status_;
};

/*
 * A domain of the program's own, with its name: the memory of a GPU, the objects of a pool. It is a number, and may be
 * copied; blocks that it tracks stay tracked when it goes.
 */
class domain
{
    public:
	explicit domain(unsigned number) noexcept : number_(number), status_(TRACKER_OK)
	{
	}

	domain(unsigned number, const char *name) noexcept : number_(number), status_(tracker_domain_name(number, name))
	{
	}

	int track(const void *object, std::size_t bytes) const noexcept
	{
		return TRACKER_POOL_ALLOC(number_, object, bytes);
	}

	int untrack(const void *object) const noexcept
	{
		return TRACKER_POOL_FREE(number_, object);
	}

	/* All objects, or those in that memory. */
	int clear() const noexcept
	{
		return TRACKER_POOL_CLEAR(number_);
	}

	int clear(const void *begin, std::size_t bytes) const noexcept
	{
		return TRACKER_POOL_CLEAR(number_, begin, bytes);
	}

	unsigned number() const noexcept
	{
		return number_;
	}

	/* TRACKER_OK: it has the name. */
	int status() const noexcept
	{
		return status_;
	}

    private:
	unsigned number_;
	int status_;
};

/* The program is recorded into a file while it lives. What fails throws error, also where the library is not there (TRACKER_EDISABLED). */
class capture
{
    public:
	explicit capture(const char *file_name) : capture_(made(named(file_name)))
	{
		enter();
	}

	explicit capture(const tracker_options &options) : capture_(made(options))
	{
		enter();
	}

	/* What fails here nobody hears of: exit() says it. */
	~capture()
	{
		(void)tracker_capture_free(capture_);
	}

	capture(const capture &) = delete;
	capture &operator=(const capture &) = delete;

	/* Ends it before its scope does, and waits until the file is finished. */
	void exit()
	{
		const int code = tracker_capture_exit(capture_);

		if (code != TRACKER_OK)
			throw error(code);
	}

	/* For the functions that take one; it stays this object's. */
	tracker_capture *get() const noexcept
	{
		return capture_;
	}

    private:
	tracker_capture *capture_;

	static tracker_options named(const char *file_name) noexcept
	{
		tracker_options options;

		tracker_options_init(&options);
		options.file_name = file_name;
		return options;
	}

	static tracker_capture *made(const tracker_options &options)
	{
		tracker_capture *const c = tracker_capture_new(&options);

		if (!c)
			throw error(tracker_last_code());
		return c;
	}

	void enter()
	{
		const int code = tracker_capture_enter(capture_);

		if (code == TRACKER_OK)
			return;
		const error failure(code); /* before another call fails */

		(void)tracker_capture_free(capture_);
		throw failure;
	}
};

namespace detail
{

/* The name of T as the compiler writes it, out of "... [with T = geo::Node]" (gcc) or "... [T = geo::Node]" (clang). */
template <typename T> class name
{
    public:
	static const char *get() noexcept
	{
		static const name of(__PRETTY_FUNCTION__);

		return of.text_;
	}

    private:
	char text_[256];

	explicit name(const char *function) noexcept
	{
		const char *at = function, *from = function, *to = function;
		std::size_t n = 0;

		for (; *at; at++) {
			if (at[0] == 'T' && at[1] == ' ' && at[2] == '=' && at[3] == ' ' && from == function)
				from = at + 4;
			if (*at == ']')
				to = at;
		}
		for (; from + n < to && n + 1 < sizeof(text_); n++)
			text_[n] = from[n];
		text_[n] = 0;
	}
};

} // namespace detail

/*
 * Classes that are tracked as long as it lives: pympler's ClassTracker. It ends periodic snapshots, and detaches all classes; objects stay tracked.
 * Functions throw tracker::error when the library says no, and do nothing where there is none.
 */
class class_tracker
{
    public:
	class_tracker() noexcept = default;
	class_tracker(const class_tracker &) = delete;
	class_tracker &operator=(const class_tracker &) = delete;

	~class_tracker()
	{
		(void)tracker_stop_periodic_snapshots();
		(void)tracker_detach_all_classes();
	}

	template <typename T> void track_class(unsigned resolution_level = 0, bool keep = false, bool trace = false)
	{
		track_class(detail::name<T>::get(), resolution_level, keep, trace);
	}

	void track_class(const char *pattern, unsigned resolution_level = 0, bool keep = false, bool trace = false, const char *name = nullptr)
	{
		const tracker_track_options o = { name, resolution_level, keep, trace };

		check(tracker_track_class(pattern, &o));
	}

	template <typename T> void track_object(const T *object, unsigned resolution_level = 0, bool keep = false, bool trace = false)
	{
		const tracker_track_options o = { nullptr, resolution_level, keep, trace };

		check(tracker_track_object(object, detail::name<T>::get(), &o));
	}

	void track_change(const void *object, unsigned resolution_level)
	{
		check(tracker_track_change(object, resolution_level));
	}

	void detach_class(const char *pattern)
	{
		check(tracker_detach_class(pattern));
	}

	void create_snapshot(const char *description = "", bool compute_total = false)
	{
		check(tracker_create_snapshot(description, compute_total));
	}

	void start_periodic_snapshots(double interval_seconds = 1.0)
	{
		check(tracker_start_periodic_snapshots(interval_seconds));
	}

	void stop_periodic_snapshots()
	{
		check(tracker_stop_periodic_snapshots());
	}

    private:
	static void check(int code)
	{
		if (code != TRACKER_OK && code != TRACKER_EDISABLED)
			throw error(code);
	}
};

/* A base class: what new makes of T is annotated with T's name. class Node : public tracker::tracked<Node> { ... }; */
template <typename T> class tracked
{
    public:
	static void *operator new(std::size_t size)
	{
		return one(::operator new(size));
	}

	static void *operator new(std::size_t size, const std::nothrow_t &tag) noexcept
	{
		return one(::operator new(size, tag));
	}

	static void *operator new(std::size_t, void *place) noexcept
	{
		return place;
	}

	static void *operator new[](std::size_t size)
	{
		void *const p = ::operator new[](size);

		(void)tracker_annotate_array(p, detail::name<T>::get(), size / sizeof(T));
		return p;
	}

	static void *operator new[](std::size_t, void *place) noexcept
	{
		return place;
	}

	static void operator delete(void *p) noexcept
	{
		::operator delete(p);
	}

	static void operator delete[](void *p) noexcept
	{
		::operator delete[](p);
	}

    private:
	static void *one(void *p) noexcept
	{
		if (p)
			(void)tracker_annotate(p, detail::name<T>::get());
		return p;
	}
};

namespace detail
{

inline void throw_error(const tracker_alarm_event *event, void *)
{
	throw allocation_error(*event);
}

/* The library is written in C: it calls this out of operator new. */
struct thrower {
	thrower() noexcept
	{
		TRACKER_CALL_(alarm_thrower, static_cast<void>(0), (throw_error));
	}
};

namespace
{
const thrower registered __attribute__((unused));
}

} // namespace detail

} // namespace tracker

#endif
