// The hubs of the published checkpoints, with tiny ones under the published names, for running the commands of the
// documentation: prints the addresses as lines for a shell, and serves until standard input ends.

#include "hub/fake_hub.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

namespace {

namespace fs = std::filesystem;
using heart::test::FakeHub;

FakeHub::Files files_in(const std::string& folder) {
    FakeHub::Files files;
    for (const auto& entry : fs::directory_iterator(fs::path(HEART_TEST_DATA) / "ckpt-tiny" / folder)) {
        std::ifstream in(entry.path(), std::ios::binary);
        if (entry.is_regular_file()) files[entry.path().filename().string()] = {std::istreambuf_iterator<char>(in), {}};
    }
    return files;
}

void publish(FakeHub& hub) {
    hub.add("HeartMuLaGen", files_in(""));
    for (const char* name : {"HeartMuLa-oss-3B", "HeartMuLa-oss-3B-happy-new-year"})
        hub.add(name, files_in("HeartMuLa-oss-3B"));
    hub.add("HeartCodec-oss-20260123", files_in("HeartCodec-oss-48k"));
    hub.add("HeartTranscriptor-oss", files_in("HeartTranscriptor-oss"));
    hub.add_at("OpenMuQ/MuQ-MuLan-large", files_in("MuQ-MuLan-bin"));
    hub.add_at("OpenMuQ/MuQ-large-msd-iter", files_in("MuQ-large-msd-iter"));
    hub.add_at("FacebookAI/xlm-roberta-base", files_in("xlm-roberta-base"));
}

}  // namespace

int main() {
    FakeHub hugging_face(FakeHub::Speaks::hugging_face), modelscope(FakeHub::Speaks::modelscope);
    publish(hugging_face);
    publish(modelscope);
    std::printf("export HF_ENDPOINT=%s MODELSCOPE_ENDPOINT=%s\n", hugging_face.url().c_str(), modelscope.url().c_str());
    std::fflush(stdout);
    for (std::string line; std::getline(std::cin, line);) {
    }
}
