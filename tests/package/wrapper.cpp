#include <heart/heart.hpp>

int main() {
    const heart::SongOptions options;
    return options.topk == 50 ? 0 : 1;
}
