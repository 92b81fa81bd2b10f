/* The stamp inside every 160-byte frame, the receiver that proves exactness, and the delay histogram.
 * Knows nothing of sockets. Every byte value occurs, so any transcoding, gain or resampling is seen as corruption. */
#ifndef OFFHOOK_STAMP_H
#define OFFHOOK_STAMP_H
#include "bench.h"

/* 0 nonce of this run (4) | 4 direction | 5 zero | 6 turn (2) | 8 sender (4) | 12 sequence (4) | 16 sent at, µs (8) |
 * 24 … 159 a pattern seeded by the 24 bytes before it: it proves the header as well as itself. */
struct stamp {
    uint32_t nonce;
    uint8_t direction, zero;
    uint16_t turn;
    uint32_t sender, sequence;
    uint64_t sent_us;
};
enum { HEAD = 24, FROM_CALLER = 'c', FROM_AGENT = 'a' };

static uint32_t NONCE;

static inline void stamp_pattern(const unsigned char *head, unsigned char *to) {
    uint64_t x = 0xcbf29ce484222325u, w[3];
    memcpy(w, head, HEAD);
    for (int i = 0; i < 3; i++) x = (x ^ w[i]) * 0x100000001b3u, x ^= x >> 29;
    for (int i = 0; i < (FRAME - HEAD) / 8; i++) {
        uint64_t z = x += 0x9E3779B97F4A7C15u;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u, z = (z ^ z >> 27) * 0x94D049BB133111EBu, z ^= z >> 31;
        memcpy(to + 8 * i, &z, 8);
    }
}

static inline void stamp_write(unsigned char *frame, int direction, unsigned turn, uint32_t sender, uint32_t sequence) {
    struct stamp s = {NONCE, (uint8_t)direction, 0, (uint16_t)turn, sender, sequence, now_us()};
    memcpy(frame, &s, HEAD);
    stamp_pattern(frame, frame + HEAD);
}

static inline int stamp_read(const unsigned char *frame, int direction, struct stamp *s) {
    unsigned char expected[FRAME - HEAD];
    memcpy(s, frame, HEAD);
    if (s->nonce != NONCE || s->direction != direction) return 0;
    stamp_pattern(frame, expected);
    return memcmp(expected, frame + HEAD, sizeof expected) == 0;
}

/* One direction of one call as received: a byte stream cut into frames again, whatever the segmentation. */
struct receiver {
    unsigned char part[FRAME];
    int have, in_garbage;
    uint32_t sender; /* whose frames these are, plus one; 0 until the first */
    uint32_t expected, frames, lost, repeated, corrupt, foreign;
};

typedef void (*on_frame)(void *owner, const struct stamp *s, uint64_t now);

static inline void receiver_frame(struct receiver *r, const struct stamp *s, void *owner, on_frame take, uint64_t now) {
    if (r->sender && r->sender != s->sender + 1) { /* somebody else's audio */
        r->foreign++;
        return;
    }
    r->sender = s->sender + 1;
    if (s->sequence < r->expected) { /* twice, or overtaken */
        r->repeated++;
        return;
    }
    r->lost += s->sequence - r->expected;
    r->expected = s->sequence + 1, r->frames++, r->in_garbage = 0;
    take(owner, s, now);
}

static inline void receiver_feed(struct receiver *r, const unsigned char *p, size_t n, int direction, void *owner,
                                 on_frame take, uint64_t now) {
    struct stamp s;
    while (n) {
        if (!r->have && n >= FRAME && stamp_read(p, direction, &s)) { /* the common case: a whole frame in place */
            receiver_frame(r, &s, owner, take, now);
            p += FRAME, n -= FRAME;
            continue;
        }
        size_t room = (size_t)(FRAME - r->have), more = n < room ? n : room;
        memcpy(r->part + r->have, p, more);
        r->have += (int)more, p += more, n -= more;
        if (r->have < FRAME) return;
        if (stamp_read(r->part, direction, &s)) {
            receiver_frame(r, &s, owner, take, now);
            r->have = 0;
            continue;
        }
        if (!r->in_garbage) r->corrupt++, r->in_garbage = 1; /* one count per stretch; then look for the next stamp */
        unsigned char *next = memmem(r->part + 1, FRAME - 1, &NONCE, 4);
        int skip = next ? (int)(next - r->part) : FRAME - 3;
        memmove(r->part, r->part + skip, (size_t)(FRAME - skip));
        r->have = FRAME - skip;
    }
}

/* Delays in microseconds: exact up to 200 ms, above that only the largest is kept. */
enum { BUCKETS = 200000 };
struct delays {
    uint32_t bucket[BUCKETS + 1];
    uint64_t count, largest;
};

static inline void delays_add(struct delays *d, uint64_t us) {
    d->bucket[us < BUCKETS ? us : BUCKETS]++, d->count++;
    if (us > d->largest) d->largest = us;
}

static inline double delays_ms(const struct delays *d, double share) {
    if (!d->count) return -1;
    uint64_t want = (uint64_t)(share * (double)(d->count - 1)), seen = 0;
    for (int i = 0; i < BUCKETS; i++)
        if ((seen += d->bucket[i]) > want) return i / 1000.0;
    return (double)d->largest / 1000.0;
}

static inline void delays_print(const char *name, const struct delays *d) {
    printf(", \"%s\": {\"count\": %llu, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f}", name,
           (unsigned long long)d->count, delays_ms(d, 0.5), delays_ms(d, 0.99), d->count ? (double)d->largest / 1000.0 : -1.0);
}
#endif
