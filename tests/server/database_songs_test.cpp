#include "server/database_support.h"

#include <rapidcheck.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <tuple>

namespace heart::test {
namespace {

using server::database::Playlist;
using server::database::Song;
using server::database::SongQuery;
using server::database::Songs;

class DatabaseSongs : public DatabaseTest {
protected:
    void SetUp() override {
        add_user("ann");
        add_user("bob");
    }

    std::vector<std::string> find(const std::string& search, const std::string& user = "ann") const {
        SongQuery query;
        query.user_id = user;
        query.search = search;
        query.order = SongQuery::Order::oldest;
        query.limit = 1000;
        return ids(songs_.find(query).songs);
    }

    static std::vector<std::string> ids(const std::vector<Song>& songs) {
        std::vector<std::string> ids;
        for (const Song& one : songs) ids.push_back(one.id);
        return ids;
    }
};

using Ids = std::vector<std::string>;

TEST_F(DatabaseSongs, EveryFieldComesBackAsItWasAdded) {
    Song made = song("ann", "1", "Ünï '\";--", "a,b", std::string(3'000'000, 'x') + "\n行く");
    made.request_id = "r";
    made.settings.max_audio_length_ms = 10'000;
    made.settings.temperature = 0.1 + 0.2;
    made.settings.topk = 1;
    made.settings.cfg_scale = 5;
    made.settings.seed = std::numeric_limits<std::uint64_t>::max() - 1;
    made.settings.take = 3;
    made.thumbnail_path = "thumbnails/1.png";
    made.duration_ms = 123'456;
    made.frames = 1543;
    made.recipe = R"({"seed":"1"})";
    made.favourite = true;
    made.rating = 4;
    made.created = 1'700'000'000'001;
    songs_.add(made);
    const auto found = songs_.by_id("1");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->user_id, "ann");
    EXPECT_EQ(found->request_id, "r");
    EXPECT_EQ(found->settings.title, made.settings.title);
    EXPECT_EQ(found->settings.tags, made.settings.tags);
    EXPECT_EQ(found->settings.lyrics, made.settings.lyrics);
    EXPECT_EQ(found->settings.max_audio_length_ms, 10'000);
    EXPECT_EQ(found->settings.temperature, made.settings.temperature);
    EXPECT_EQ(found->settings.topk, 1);
    EXPECT_EQ(found->settings.cfg_scale, 5);
    EXPECT_EQ(found->settings.seed, made.settings.seed);
    EXPECT_EQ(found->settings.take, 3);
    EXPECT_EQ(found->audio_path, "audio/1.wav");
    EXPECT_EQ(found->thumbnail_path, "thumbnails/1.png");
    EXPECT_EQ(found->duration_ms, 123'456);
    EXPECT_EQ(found->frames, 1543);
    EXPECT_EQ(found->recipe, made.recipe);
    EXPECT_TRUE(found->favourite);
    EXPECT_EQ(found->rating, 4);
    EXPECT_EQ(found->created, made.created);
    EXPECT_FALSE(found->deleted);
    EXPECT_FALSE(songs_.by_id("2"));
}

TEST_F(DatabaseSongs, WhatCannotBeStoredIsRefused) {
    songs_.add(song("ann", "1"));
    for (const Song& wrong : {song("ann", "1"), song("nobody", "2"), song("ann", "3", std::string("a\0b", 3)),
                              song("ann", "4", "t", "t", "\xc0\x80")}) {
        EXPECT_EQ(thrown([&] { songs_.add(wrong); }), static_cast<int>(ErrorCode::usage)) << wrong.id;
    }
    Song wrong = song("ann", "5");
    wrong.settings.temperature = std::numeric_limits<double>::quiet_NaN();
    EXPECT_EQ(thrown([&] { songs_.add(wrong); }), static_cast<int>(ErrorCode::usage));
    EXPECT_EQ(songs_.count(), 1);
    EXPECT_EQ(ask("SELECT COUNT(*) FROM song_texts"), 1);
}

TEST_F(DatabaseSongs, PagesCoverEverythingOnceInOrder) {
    for (int i = 0; i < 25; ++i) {
        Song made = song("ann", fmt::format("s{:02}", i), fmt::format("{}", i % 7));
        made.created = 1'000'000 + i / 2;  // times that tie
        made.duration_ms = (i * 7919) % 100;
        songs_.add(made);
    }
    songs_.add(song("bob", "other"));
    for (const auto order :
         {SongQuery::Order::newest, SongQuery::Order::oldest, SongQuery::Order::title, SongQuery::Order::longest}) {
        SongQuery query;
        query.user_id = "ann";
        query.order = order;
        query.limit = 7;
        std::vector<Song> all;
        for (query.offset = 0; query.offset < 35; query.offset += 7) {
            const auto page = songs_.find(query);
            EXPECT_EQ(page.total, 25);
            all.insert(all.end(), page.songs.begin(), page.songs.end());
        }
        const auto names = ids(all);
        EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), 25U);
        EXPECT_EQ(all.size(), 25U);
        EXPECT_TRUE(std::is_sorted(all.begin(), all.end(), [&](const Song& a, const Song& b) {
            switch (order) {
                case SongQuery::Order::newest: return a.created > b.created;
                case SongQuery::Order::oldest: return a.created < b.created;
                case SongQuery::Order::title: return a.settings.title < b.settings.title;
                default: return a.duration_ms > b.duration_ms;
            }
        }));
    }
}

TEST_F(DatabaseSongs, OddPagesAreEmptyAndStillCount) {
    songs_.add(song("ann", "1"));
    SongQuery query;
    query.user_id = "ann";
    for (const auto& [offset, limit, found] : std::vector<std::tuple<std::int64_t, std::int64_t, std::size_t>>{
             {-5, 10, 1},
             {0, 0, 0},
             {0, -1, 0},
             {1, 10, 0},
             {std::numeric_limits<std::int64_t>::max(), 10, 0},
             {0, std::numeric_limits<std::int64_t>::max(), 1}}) {
        query.offset = offset;
        query.limit = limit;
        const auto page = songs_.find(query);
        EXPECT_EQ(page.songs.size(), found) << offset << " " << limit;
        EXPECT_EQ(page.total, 1) << offset << " " << limit;
    }
}

TEST_F(DatabaseSongs, ASearchFindsPiecesOfWordsInAnyPartAndScript) {
    songs_.add(song("ann", "1", "Ünï Bar", "Rock,Männer", "Straße der Ölsardinen\nПривет, ЁЖИК"));
    songs_.add(song("ann", "2", "行く春", "演歌", "さくら が 散る 東京タワー"));
    songs_.add(song("ann", "3", "한국어 노래", "ballad", "사랑해요 عَرَبِيّ हिन्दी"));
    songs_.add(song("ann", "4", "100% _real_", "a\"b", "it's (x OR y) AND NOT z* ^col:on NEAR(a b) {c} -d"));
    songs_.add(song("bob", "5", "Ünï", "rock", ""));
    const std::vector<std::pair<std::string, Ids>> cases{
        {"", {"1", "2", "3", "4"}},
        {"   \t\n　", {"1", "2", "3", "4"}},
        {"uni", {"1"}},
        {"ÜNI", {"1"}},
        {"U\xCC\x88NI\xCC\x88", {"1"}},  // decomposed
        {"män", {"1"}},
        {"ra", {"1"}},
        {"STRASSE", {"1"}},
        {"ölsard", {"1"}},
        {"привет", {"1"}},
        {"ежи", {"1"}},
        {"sardinen bar", {"1"}},
        {"bar sardinen uni", {"1"}},
        {"bar sakura", {}},
        {"行", {"2"}},
        {"行く", {"2"}},
        {"東京", {"2"}},
        {"京タ", {"2"}},
        {"東京タワー", {"2"}},
        {"東京　さくら", {"2"}},
        {"東京 演 る", {"2"}},
        {"京東", {}},
        {"랑", {"3"}},
        {"사랑", {"3"}},
        {"사랑해", {"3"}},
        {"عربي", {"3"}},
        {"हिन्दी", {"3"}},
        {"हन", {}},
        {"%", {"4"}},
        {"_", {"4"}},
        {"100%", {"4"}},
        {"1%0", {}},
        {"_real_", {"4"}},
        {"_eal_", {}},
        {"a\"b", {"4"}},
        {"\"", {"4"}},
        {"\"\"", {}},
        {"it's", {"4"}},
        {"(x", {"4"}},
        {"AND", {"4"}},
        {"NOT", {"4"}},
        {"OR", {"4"}},
        {"NEAR(a", {"4"}},
        {"z*", {"4"}},
        {"^col:on", {"4"}},
        {"col:on", {"4"}},
        {"text:uni", {}},
        {"{c}", {"4"}},
        {"-d", {"4"}},
        {"uni OR real", {}},
        {"uni*", {}},
        {"'; DROP TABLE users; --", {}},
        {"ｕｎｉ", {"1"}},  // full width
        {"a", {"1", "3", "4"}},
    };
    for (const auto& [search, expected] : cases) EXPECT_EQ(find(search), expected) << search;
    EXPECT_EQ(find("uni", "bob"), Ids{"5"});
    EXPECT_EQ(find("uni", "nobody"), Ids{});
}

TEST_F(DatabaseSongs, NoWordIsFoundAcrossTwoParts) {
    songs_.add(song("ann", "1", "abc", "def", "ghi"));
    EXPECT_EQ(find("cd"), Ids{});
    EXPECT_EQ(find("abcdef"), Ids{});
    EXPECT_EQ(find("abc\ndef"), Ids{"1"});
}

TEST_F(DatabaseSongs, SearchesHaveLimits) {
    EXPECT_EQ(thrown([&] { (void)find(std::string(1001, 'a')); }), static_cast<int>(ErrorCode::limit));
    EXPECT_EQ(thrown([&] { (void)find(std::string(1000, 'a')); }), 0);
    std::string many;
    for (int i = 0; i < 32; ++i) many += fmt::format("word{} ", i);
    EXPECT_EQ(thrown([&] { (void)find(many); }), 0);
    EXPECT_EQ(thrown([&] { (void)find(many + "x"); }), static_cast<int>(ErrorCode::limit));
    EXPECT_EQ(thrown([&] { (void)find("a\xff"); }), static_cast<int>(ErrorCode::usage));
    EXPECT_EQ(thrown([&] { (void)find(std::string("a\0b", 3)); }), static_cast<int>(ErrorCode::usage));
}

/// Whatever text and whatever piece of it: a search for the piece finds the song, one for something else does not.
TEST_F(DatabaseSongs, EveryPieceOfATextFindsIt) {
    const std::vector<std::string> letters{"a", "B", "ß", "é", "İ", "ж", "行", "東", "한", "が", "🎵", "\"", "%", "*", "'"};
    int number = 0;
    EXPECT_TRUE(rc::check([&] {
        const auto word = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(letters)));
        const auto from = *rc::gen::inRange<std::size_t>(0, word.size());
        const auto length = *rc::gen::inRange<std::size_t>(1, word.size() - from + 1);
        std::string text, piece;
        for (std::size_t i = 0; i < word.size(); ++i) {
            text += word[i];
            if (i >= from && i < from + length) piece += word[i];
        }
        const std::string id = std::to_string(number++);
        songs_.add(song("ann", id, "title", "tags", text));
        const auto found = find(piece);
        RC_ASSERT(std::find(found.begin(), found.end(), id) != found.end());
        RC_ASSERT(find(piece + "ÿnever" + piece).empty());
    }));
}

TEST_F(DatabaseSongs, ChangesAreFoundAndOldTextIsNot) {
    songs_.add(song("ann", "1", "before", "pop", "lyrics"));
    Songs::Change change;
    change.title = "After";
    EXPECT_TRUE(songs_.change("ann", "1", change));
    EXPECT_EQ(find("after"), Ids{"1"});
    EXPECT_EQ(find("be"), Ids{});
    EXPECT_EQ(find("before"), Ids{});
    EXPECT_EQ(find("lyrics"), Ids{"1"});
    change = {};
    change.favourite = true;
    change.rating = 5;
    change.tags = "rock";
    change.lyrics = "new words";
    EXPECT_TRUE(songs_.change("ann", "1", change));
    const auto now = songs_.by_id("1");
    EXPECT_EQ(now->settings.title, "After");
    EXPECT_EQ(now->settings.tags, "rock");
    EXPECT_EQ(now->settings.lyrics, "new words");
    EXPECT_TRUE(now->favourite);
    EXPECT_EQ(now->rating, 5);
    EXPECT_FALSE(songs_.change("bob", "1", change));
    EXPECT_FALSE(songs_.change("", "1", change));
    EXPECT_FALSE(songs_.change("ann", "2", change));
    songs_.set_thumbnail("1", "thumbnails/x.png");
    EXPECT_EQ(songs_.by_id("1")->thumbnail_path, "thumbnails/x.png");
}

TEST_F(DatabaseSongs, TheBinHidesAndGivesBackAndPurgesForGood) {
    for (const char* id : {"1", "2", "3"}) songs_.add(song("ann", id, fmt::format("song {}", id)));
    songs_.add(song("bob", "b"));
    EXPECT_EQ(songs_.set_deleted("ann", {"1", "2", "b", "unknown", "1"}, true), 2);
    EXPECT_EQ(find("song"), Ids{"3"});
    EXPECT_EQ(songs_.count(), 2);
    EXPECT_TRUE(songs_.by_id("1")->deleted);
    SongQuery bin;
    bin.user_id = "ann";
    bin.deleted = true;
    bin.search = "song";
    EXPECT_EQ(songs_.find(bin).total, 2);
    EXPECT_EQ(songs_.set_deleted("ann", {"1", "3"}, false), 1);
    EXPECT_EQ(find("song"), (Ids{"1", "3"}));

    EXPECT_EQ(ids(songs_.purge("bob", {"1", "2"})), Ids{});
    EXPECT_EQ(ids(songs_.purge("ann", {"1", "1", "unknown"})), Ids{"1"});
    EXPECT_FALSE(songs_.by_id("1"));
    EXPECT_EQ(ids(songs_.purge_before(server::database::now_ms() - 60'000)), Ids{});
    EXPECT_EQ(ids(songs_.purge_before(server::database::now_ms() + 60'000)), Ids{"2"});
    EXPECT_EQ(find("song"), Ids{"3"});
    EXPECT_EQ(ask("SELECT COUNT(*) FROM song_texts"), 2);
}

TEST_F(DatabaseSongs, FiltersCombine) {
    Song one = song("ann", "1", "alpha");
    one.favourite = true;
    songs_.add(one);
    songs_.add(song("ann", "2", "alpha"));
    songs_.add_playlist({"p", "ann", "list"});
    ASSERT_TRUE(songs_.set_playlist_songs("ann", "p", {"2"}));
    SongQuery query;
    query.user_id = "ann";
    query.search = "alpha al";
    EXPECT_EQ(songs_.find(query).total, 2);
    query.favourites = true;
    EXPECT_EQ(ids(songs_.find(query).songs), Ids{"1"});
    query.favourites = false;
    query.playlist_id = "p";
    EXPECT_EQ(ids(songs_.find(query).songs), Ids{"2"});
    query.playlist_id = "' OR 1=1 --";
    EXPECT_EQ(songs_.find(query).total, 0);
}

TEST_F(DatabaseSongs, PlaylistsKeepTheirOrderAndBelongToOne) {
    for (const char* id : {"1", "2", "3"}) songs_.add(song("ann", id));
    songs_.add(song("bob", "b"));
    songs_.add_playlist({"p", "ann", "List"});
    songs_.add_playlist({"q", "bob", "List"});
    EXPECT_TRUE(songs_.set_playlist_songs("ann", "p", {"3", "1", "b", "unknown", "1", "2"}));
    EXPECT_EQ(songs_.playlist_songs("p"), (Ids{"3", "1", "2"}));
    EXPECT_EQ(songs_.playlist("p")->songs, 3);
    EXPECT_FALSE(songs_.set_playlist_songs("bob", "p", {}));
    EXPECT_FALSE(songs_.set_playlist_songs("ann", "none", {}));
    EXPECT_TRUE(songs_.rename_playlist("ann", "p", "Neu"));
    EXPECT_FALSE(songs_.rename_playlist("bob", "p", "Mine"));
    ASSERT_EQ(songs_.playlists("ann").size(), 1U);
    EXPECT_EQ(songs_.playlists("ann")[0].name, "Neu");
    EXPECT_GT(songs_.playlists("ann")[0].created, 0);

    // A song in the bin is not shown, and is there again when it comes back.
    songs_.set_deleted("ann", {"1"}, true);
    EXPECT_EQ(songs_.playlist_songs("p"), (Ids{"3", "2"}));
    EXPECT_EQ(songs_.playlist("p")->songs, 2);
    EXPECT_TRUE(songs_.set_playlist_songs("ann", "p", {"2", "3"}));
    songs_.set_deleted("ann", {"1"}, false);
    EXPECT_EQ(songs_.playlist("p")->songs, 3);
    songs_.purge("ann", {"2"});
    EXPECT_EQ(songs_.playlist("p")->songs, 2);

    EXPECT_FALSE(songs_.remove_playlist("bob", "p"));
    EXPECT_TRUE(songs_.remove_playlist("ann", "p"));
    EXPECT_FALSE(songs_.playlist("p"));
    EXPECT_TRUE(songs_.playlist_songs("p").empty());
    EXPECT_EQ(songs_.playlists("bob").size(), 1U);
}

TEST_F(DatabaseSongs, RemovingAUserRemovesWhatIsTheirsAndNothingElse) {
    songs_.add(song("ann", "1", "findable"));
    songs_.add(song("bob", "2", "findable"));
    songs_.add_playlist({"p", "ann", "list"});
    ASSERT_TRUE(songs_.set_playlist_songs("ann", "p", {"1"}));
    ASSERT_EQ(jobs_.add({job("ann", "j"), job("bob", "k")}, {}), server::database::Jobs::Refused::no);
    (void)jobs_.start_next();
    (void)jobs_.start_next();
    auto theirs = users_.remove("ann");
    std::sort(theirs.begin(), theirs.end());
    EXPECT_EQ(theirs, (Ids{"1", "j"}));
    EXPECT_FALSE(users_.by_id("ann"));
    EXPECT_FALSE(songs_.by_id("1"));
    EXPECT_FALSE(jobs_.by_id("j"));
    EXPECT_FALSE(songs_.playlist("p"));
    EXPECT_FALSE(songs_.add_finished(song("ann", "j")));
    EXPECT_EQ(find("findable", "bob"), Ids{"2"});
    EXPECT_TRUE(jobs_.by_id("k"));
    EXPECT_EQ(ask("SELECT COUNT(*) FROM song_texts"), 1);
    EXPECT_EQ(ask("SELECT COUNT(*) FROM turns"), 1);
    add_user("ann");
    songs_.add(song("ann", "1", "other"));
    EXPECT_EQ(find("findable"), Ids{});
    EXPECT_TRUE(users_.remove("unknown").empty());
}

TEST_F(DatabaseSongs, TimesStayWithTheWordsThatTheyAreOf) {
    songs_.add(song("ann", "1", "t", "pop", "rain\nfalls"));
    EXPECT_FALSE(songs_.timings("1"));
    EXPECT_FALSE(songs_.set_timings("1", "other words", "[]"));
    EXPECT_FALSE(songs_.set_timings("2", "rain\nfalls", "[]")) << "no such song";
    ASSERT_TRUE(songs_.set_timings("1", "rain\nfalls", "[1]"));
    ASSERT_TRUE(songs_.set_timings("1", "rain\nfalls", "[2]"));
    EXPECT_EQ(songs_.timings("1"), "[2]");
    EXPECT_TRUE(songs_.change("ann", "1", {.title = "u", .lyrics = "rain\nfalls"}));
    EXPECT_EQ(songs_.timings("1"), "[2]");
    EXPECT_TRUE(songs_.change("ann", "1", {.lyrics = "snow"}));
    EXPECT_FALSE(songs_.timings("1"));
    ASSERT_TRUE(songs_.set_timings("1", "snow", "[3]"));
    EXPECT_EQ(songs_.purge("ann", {"1"}).size(), 1U);
    EXPECT_FALSE(songs_.timings("1"));
}

}  // namespace
}  // namespace heart::test
