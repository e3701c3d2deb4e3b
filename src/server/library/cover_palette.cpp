#include "server/library/cover_palette.h"

#include <bit>
#include <string>
#include <vector>

namespace heart::server::library::covers {

namespace {

enum Mood : unsigned {
    kNight = 1,
    kSad = 2,
    kEnergetic = 4,
    kWarm = 8,
    kLove = 16,
    kBright = 32,
    kCalm = 64,
    kElectronic = 128,
};

struct Entry {
    unsigned moods;
    std::uint32_t ground[3], shape[3], light;
};

constexpr Entry kPalettes[] = {
    {kNight | kEnergetic | kLove, {0x0B0D12, 0x2A1426, 0x7B2340}, {0xFF5C72, 0xFF8A6B, 0x3A1228}, 0xFFDDB0},
    {kCalm | kNight, {0x061621, 0x0B3A4A, 0x1E7A80}, {0x3FB8A8, 0x9BE3C8, 0x06222E}, 0xF2F7DC},
    {kSad | kLove | kNight, {0x1A1333, 0x4B2A6B, 0xC0567F}, {0xF08A7A, 0x7C4A9E, 0x1B1238}, 0xFFE3B0},
    {kWarm | kBright | kCalm, {0xF6ECDD, 0xF3D3B5, 0xE9A184}, {0xD2604F, 0x7A9E9F, 0x2E4057}, 0xFFF9EE},
    {kWarm | kCalm, {0x10231D, 0x1F4A3A, 0x86A866}, {0xC9C46A, 0x3E7A55, 0x0D241C}, 0xF7EFC8},
    {kSad | kCalm, {0x1B2430, 0x3B4C60, 0x8C9EAD}, {0xC3CCD3, 0x5D738A, 0x18222C}, 0xF0F3F3},
    {kEnergetic | kElectronic | kNight, {0x0A0618, 0x2B0B4F, 0x7A12A8}, {0xFF2E93, 0x18D3F8, 0x1A0838}, 0xFDF3A0},
    {kBright | kEnergetic, {0xFFF1C9, 0xFFCF5E, 0xFF9248}, {0xF2543D, 0x20A39E, 0x224870}, 0xFFFCEF},
    {kWarm, {0x3B1C32, 0xA64942, 0xF2A65A}, {0xF6D28B, 0xD9713E, 0x421B2D}, 0xFFF0CF},
    {kCalm | kSad | kBright, {0xE2EFF5, 0xAFD3E3, 0x649FC1}, {0xF7F9FB, 0x2F6690, 0x123A52}, 0xFFFFFF},
    {kLove | kWarm, {0x2E0F1E, 0x8C2F4B, 0xF29CA3}, {0xFBC3BC, 0xE4576B, 0x3A0F22}, 0xFFF1E6},
    {kNight | kCalm | kElectronic, {0x050B1E, 0x0E2A47, 0x1F6F78}, {0x4CE0B3, 0x7B5CFF, 0x071830}, 0xD7FFE9},
    {kBright | kCalm, {0xEDF6EF, 0xC3E5D4, 0x77C3AD}, {0xF49D6E, 0x2A7F73, 0x163F3C}, 0xFFFDF2},
    {kWarm | kNight, {0x14110F, 0x3D2A1F, 0x8F5B34}, {0xF0C987, 0xD98E4A, 0x1F140D}, 0xFFF0D0},
    {kBright | kElectronic | kEnergetic, {0x0A1045, 0x1F3BB3, 0x6E97FF}, {0xFFB000, 0xF5F3EE, 0x0B1650}, 0xFFE59A},
    {kSad | kLove, {0x2C1A2E, 0x5D3A5A, 0xB98B9F}, {0xE8C7C8, 0x8C5A7B, 0x261528}, 0xFBEFE4},
    {kWarm | kCalm | kSad, {0x22261F, 0x4E5A45, 0xA7AC8C}, {0xDAD7C0, 0xC2703D, 0x1D221A}, 0xF8F3E0},
    {kEnergetic | kBright | kLove, {0x2D0A8C, 0xB5179E, 0xFF7B6B}, {0xFFD166, 0xF72585, 0x26075E}, 0xFFF3D6},
    {kCalm | kEnergetic, {0xF2F0ED, 0xDDD9D4, 0xBEB7B1}, {0xE4384C, 0x6E6A67, 0x1B1B1E}, 0xFFFFFF},
    {kNight | kSad, {0x02040A, 0x0D1B2A, 0x415A77}, {0xE0E1DD, 0x778DA9, 0x080F1A}, 0xF6DFA4},
};

struct Word {
    std::string_view part;  ///< of a tag, small letters
    unsigned moods;
};

constexpr Word kWords[] = {
    {"night", kNight},
    {"dark", kNight},
    {"ambient", kNight | kCalm},
    {"lofi", kNight | kCalm},
    {"lo-fi", kNight | kCalm},
    {"goth", kNight},
    {"metal", kNight | kEnergetic},
    {"jazz", kNight | kWarm},
    {"blues", kNight | kSad},
    {"moon", kNight},
    {"sad", kSad},
    {"melanchol", kSad},
    {"ballad", kSad | kLove},
    {"lonel", kSad},
    {"heartbreak", kSad},
    {"slow", kSad},
    {"emotional", kSad},
    {"rain", kSad},
    {"nostalg", kSad | kWarm},
    {"energ", kEnergetic},
    {"dance", kEnergetic},
    {"edm", kEnergetic | kElectronic},
    {"rock", kEnergetic},
    {"punk", kEnergetic},
    {"upbeat", kEnergetic | kBright},
    {"fast", kEnergetic},
    {"techno", kEnergetic | kElectronic},
    {"house", kEnergetic | kElectronic},
    {"trap", kEnergetic},
    {"hip", kEnergetic},
    {"rap", kEnergetic},
    {"drum", kEnergetic},
    {"power", kEnergetic},
    {"acoustic", kWarm},
    {"folk", kWarm},
    {"country", kWarm},
    {"guitar", kWarm},
    {"warm", kWarm},
    {"summer", kWarm | kBright},
    {"latin", kWarm},
    {"soul", kWarm | kLove},
    {"gospel", kWarm},
    {"romantic", kLove},
    {"love", kLove},
    {"r&b", kLove},
    {"tender", kLove},
    {"dream", kLove | kCalm},
    {"wedding", kLove | kBright},
    {"happy", kBright},
    {"pop", kBright},
    {"joy", kBright},
    {"bright", kBright},
    {"cheer", kBright},
    {"child", kBright},
    {"fun", kBright},
    {"sun", kBright | kWarm},
    {"calm", kCalm},
    {"piano", kCalm},
    {"classical", kCalm},
    {"peace", kCalm},
    {"meditat", kCalm},
    {"relax", kCalm},
    {"soft", kCalm},
    {"chill", kCalm},
    {"orchestr", kCalm},
    {"strings", kCalm},
    {"electr", kElectronic},
    {"synth", kElectronic},
    {"cyber", kElectronic},
    {"space", kElectronic | kNight},
    {"futur", kElectronic},
};

unsigned moods_of(std::string_view tags) {
    std::string small(tags);
    for (char& c : small) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    unsigned moods = 0;
    for (const Word& word : kWords) {
        if (small.find(word.part) != std::string::npos) moods |= word.moods;
    }
    return moods;
}

}  // namespace

Palette choose_palette(std::string_view tags, std::uint64_t hash) {
    const unsigned moods = moods_of(tags);
    // Each palette stands in the urn once for every mood that it shares; all of them once when the tags name none.
    std::vector<const Entry*> urn;
    for (const Entry& entry : kPalettes) {
        const int shared = moods == 0 ? 1 : std::popcount(entry.moods & moods);
        urn.insert(urn.end(), static_cast<std::size_t>(shared), &entry);
    }
    const Entry& chosen = *urn[static_cast<std::size_t>(hash % urn.size())];
    Palette palette;
    for (std::size_t i = 0; i < 3; ++i) {
        palette.ground[i] = colour(chosen.ground[i]);
        palette.shape[i] = colour(chosen.shape[i]);
    }
    palette.light = colour(chosen.light);
    return palette;
}

}  // namespace heart::server::library::covers
