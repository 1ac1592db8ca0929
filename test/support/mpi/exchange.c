#include <mpi.h>
#include <stdio.h>

enum { MOST = 1 << 14, ROUNDS = 5 };
static double sent[MOST], got[MOST];

/* Ping-pong between the first rank and the last, then a sum over all, with checked results. */
int main(int argc, char **argv) {
  int rank, size, wrong = 0, all;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (int count = 1; count <= MOST; count *= 32)
    for (int round = 0; round < ROUNDS && size > 1; round++) {
      for (int i = 0; i < count; i++) sent[i] = i + round;
      if (rank == 0) {
        MPI_Send(sent, count, MPI_DOUBLE, size - 1, round, MPI_COMM_WORLD);
        MPI_Recv(got, count, MPI_DOUBLE, size - 1, round, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        for (int i = 0; i < count; i++) wrong += got[i] != 2 * sent[i];
      } else if (rank == size - 1) {
        MPI_Recv(got, count, MPI_DOUBLE, 0, round, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        for (int i = 0; i < count; i++) got[i] *= 2;
        MPI_Send(got, count, MPI_DOUBLE, 0, round, MPI_COMM_WORLD);
      }
    }
  for (int i = 0; i < MOST; i++) sent[i] = rank + 1 + i % 7;
  MPI_Allreduce(sent, got, MOST, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  for (int i = 0; i < MOST; i++) wrong += got[i] != size * (size + 1) / 2 + size * (i % 7);
  MPI_Reduce(&wrong, &all, 1, MPI_INT, MPI_SUM, 0, MPI_COMM_WORLD);
  if (rank == 0) printf("%d ranks, %d wrong\n", size, all);
  MPI_Finalize();
  return 0;
}
