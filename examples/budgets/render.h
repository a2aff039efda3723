/* render - frames of a picture, drawn into a buffer that is allocated once. */
#ifndef RENDER_H
#define RENDER_H

#ifdef __cplusplus
extern "C" {
#endif

/* Draws so many frames. forget: the buffer is not released. Returns their checksum. */
unsigned long render(int frames, int forget);

#ifdef __cplusplus
}
#endif

#endif
