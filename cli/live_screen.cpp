#include "cli/live_screen.h"

#include "report/markdown.h"

namespace wirefault::cli {
namespace {

// Fast enough for whoever types, and no work under a flood.
constexpr auto between_updates = std::chrono::milliseconds{10};
// Long enough for the rest of a key's sequence to arrive.
constexpr auto key_is_whole = std::chrono::milliseconds{50};

}  // namespace

LiveScreen::LiveScreen(std::unique_ptr<Terminal> terminal, const ScreenLook& look,
                       const Board& board)
    : terminal_{std::move(terminal)}, look_{look}, board_{board}, size_{terminal_->size()} {}

void LiveScreen::show(const LiveStatus& status) {
  if (!held_) {
    status_ = status;
    arrange(state_, board_, status_.up);
  }
  draw();
}

std::vector<LiveScreen::Wish> LiveScreen::update() {
  std::vector<Wish> wishes;
  const auto time = Clock::now();
  if (time - updated_ < between_updates || terminal_->is_gone()) return wishes;
  updated_ = time;
  terminal_->flush();
  const std::string typed = terminal_->read();
  if (!typed.empty()) typed_ = time;
  const bool is_alone = typed.empty() && decoder_.is_waiting() && time - typed_ >= key_is_whole;
  const std::vector<Key> keys = is_alone ? decoder_.settle() : decoder_.take(typed);
  for (const Key& key : keys) take(key, wishes);
  const ScreenSize size = terminal_->size();
  const bool is_resized = size.width != size_.width || size.height != size_.height;
  size_ = size;
  if (is_resized || !keys.empty()) draw();
  return wishes;
}

void LiveScreen::take(const Key& key, std::vector<Wish>& wishes) {
  switch (press(state_, key, status_, board(), size_)) {
    case ScreenAction::none:
      break;
    case ScreenAction::quit:
      wishes.push_back({Wish::Kind::quit});
      break;
    case ScreenAction::pause:
      status_.is_paused = !held_;
      if (held_) {
        held_.reset();
        arrange(state_, board_, status_.up);
      } else {
        held_ = board_;
      }
      break;
    case ScreenAction::draw_exchange:
      wishes.push_back({Wish::Kind::draw_exchange, state_.selected});
      break;
    case ScreenAction::save_evidence:
      wishes.push_back({Wish::Kind::save_evidence, state_.selected});
      break;
    case ScreenAction::copy:
      terminal_->send(clipboard_sequence(
          finding_markdown(board().rows().at(state_.selected).finding, look_.zone)));
      break;
  }
}

void LiveScreen::draw(std::shared_ptr<const Exchange> exchange) {
  state_.exchange = std::move(exchange);
  draw();
}

void LiveScreen::say(std::string message) {
  state_.message = std::move(message);
  draw();
}

void LiveScreen::resume() {
  terminal_->resume();
  draw();
}

void LiveScreen::draw() {
  terminal_->draw(draw_screen(status_, board(), state_, size_, look_));
}

}  // namespace wirefault::cli
