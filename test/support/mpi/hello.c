#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

/* Each rank says where it is; the one named by the argument ends with 9. */
int main(int argc, char **argv) {
  char name[MPI_MAX_PROCESSOR_NAME];
  int rank, size, length;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  MPI_Get_processor_name(name, &length);
  printf("rank %d of %d on %s\n", rank, size, name);
  fflush(stdout);
  MPI_Finalize();
  return argc > 1 && atoi(argv[1]) == rank ? 9 : 0;
}
