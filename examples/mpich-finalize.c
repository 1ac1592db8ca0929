/*
 * For MPICH 4.0 and 4.1 with UCX over TCP, as Debian 12 has them, whose MPI_Finalize may wait for ever (docs/mpi.md):
 *
 *   cc -O2 -shared -fPIC -o mpich-finalize.so examples/mpich-finalize.c
 *   mpiexec -genv LD_PRELOAD "$PWD/mpich-finalize.so" ./a.out
 *
 * A rank that has closed its connections waits for the others in a barrier in which it answers nobody, also none of those whose own
 * connections are only closed when it has answered. Here a thread answers for it in that time, in which the rank itself asks nothing of UCX.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#define REAL(type, name) static __typeof__(type) *real; if (!real) *(void **)&real = dlsym(RTLD_NEXT, name)
enum { MAX_WORKERS = 64, PAUSE_US = 500, WORST_ERROR = 100 };

static void *workers[MAX_WORKERS];
static int count, pending;
static bool closing, answering;
static atomic_bool enough;
static pthread_t thread;

static unsigned progress(void *worker) {
  REAL(unsigned(void *), "ucp_worker_progress");
  return real(worker);
}

static void *answer(void *none) {
  while (!enough) {
    for (int i = 0; i < count; i++) progress(workers[i]);
    usleep(PAUSE_US);
  }
  return none;
}

static void start(void) {
  enough = false;
  if (closing && pending == 0 && !answering) answering = pthread_create(&thread, NULL, answer, NULL) == 0;
}

/* Before the rank itself does anything with UCX again. */
static void stop(void) {
  if (!answering) return;
  enough = true;
  pthread_join(thread, NULL);
  answering = false;
}

int ucp_worker_create(void *context, const void *parameters, void **worker) {
  REAL(int(void *, const void *, void **), "ucp_worker_create");
  int status = real(context, parameters, worker);
  if (status == 0 && count < MAX_WORKERS) workers[count++] = *worker;
  return status;
}

void *ucp_disconnect_nb(void *endpoint) {
  REAL(void *(void *), "ucp_disconnect_nb");
  stop();
  void *request = real(endpoint);
  closing = true;
  if (request != NULL && (uintptr_t)request < (uintptr_t)-WORST_ERROR) pending++;
  return request;
}

unsigned ucp_worker_progress(void *worker) {
  stop();
  unsigned events = progress(worker);
  start();
  return events;
}

void ucp_request_release(void *request) {
  REAL(void(void *), "ucp_request_release");
  stop();
  real(request);
  if (closing && pending > 0) pending--;
  start();
}

void ucp_worker_destroy(void *worker) {
  REAL(void(void *), "ucp_worker_destroy");
  stop();
  closing = false;
  count = 0;
  real(worker);
}
