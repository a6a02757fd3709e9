// Which work group this is. On a CPU each thread takes a run of them: dealt out as cards are (DEALT), what is dear is
// shared by all, up to eight.
uint group_number() {
    uint number = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x;
#ifdef DEALT
    uint middle = (gl_NumWorkGroups.x * gl_NumWorkGroups.y + 1u) / 2u;
    for (int n = 0; n < 3; n++) number = number < middle ? 2u * number : 2u * (number - middle) + 1u;
#endif
    return number;
}
