// Shortcodes drbot and its readers use. An unknown one is shown as it was written, as Slack does.

const EMOJI = {
  "+1": "👍", thumbsup: "👍", "-1": "👎", thumbsdown: "👎", tada: "🎉", eyes: "👀", pray: "🙏", wave: "👋", clap: "👏",
  white_check_mark: "✅", heavy_check_mark: "✔️", ballot_box_with_check: "☑️", x: "❌", negative_squared_cross_mark: "❎",
  warning: "⚠️", rotating_light: "🚨", fire: "🔥", boom: "💥", zap: "⚡", no_entry: "⛔", no_entry_sign: "🚫",
  octagonal_sign: "🛑", stop_sign: "🛑", stop_button: "⏹️", black_square_for_stop: "⏹️", construction: "🚧", sos: "🆘",
  red_circle: "🔴", large_green_circle: "🟢", large_yellow_circle: "🟡", large_orange_circle: "🟠",
  large_blue_circle: "🔵", large_purple_circle: "🟣", white_circle: "⚪", black_circle: "⚫",
  large_green_square: "🟩", large_yellow_square: "🟨", large_red_square: "🟥", large_blue_square: "🟦",
  white_large_square: "⬜", black_large_square: "⬛", white_small_square: "▫️", black_small_square: "▪️",
  pushpin: "📌", round_pushpin: "📍", bookmark: "🔖", link: "🔗", paperclip: "📎", memo: "📝", pencil: "✏️",
  page_facing_up: "📄", clipboard: "📋", bar_chart: "📊", chart_with_upwards_trend: "📈", file_folder: "📁",
  package: "📦", floppy_disk: "💾", card_file_box: "🗃️", minidisc: "💽", computer: "💻", desktop_computer: "🖥️",
  satellite: "📡", satellite_antenna: "📡", electric_plug: "🔌", battery: "🔋", gear: "⚙️", wrench: "🔧", hammer: "🔨",
  hammer_and_wrench: "🛠️", toolbox: "🧰", lock: "🔒", unlock: "🔓", key: "🔑", shield: "🛡️", mag: "🔍",
  hourglass: "⌛", hourglass_flowing_sand: "⏳", stopwatch: "⏱️", timer_clock: "⏲️", alarm_clock: "⏰", clock1: "🕐",
  calendar: "📅", bell: "🔔", no_bell: "🔕", mega: "📣", loudspeaker: "📢", speech_balloon: "💬", email: "✉️",
  envelope: "✉️", incoming_envelope: "📨", phone: "☎️", telephone_receiver: "📞", globe_with_meridians: "🌐",
  arrow_right: "➡️", arrow_left: "⬅️", arrow_up: "⬆️", arrow_down: "⬇️", arrow_up_down: "↕️", arrows_counterclockwise: "🔄", repeat: "🔁",
  leftwards_arrow_with_hook: "↩️", rewind: "⏪", fast_forward: "⏩", play_or_pause_button: "⏯️", arrow_forward: "▶️",
  double_vertical_bar: "⏸️", pause_button: "⏸️", raised_hand: "✋", hand: "✋", point_right: "👉", busts_in_silhouette: "👥",
  bust_in_silhouette: "👤", robot_face: "🤖", ring_buoy: "🛟", lifebuoy: "🛟", ambulance: "🚑", fire_engine: "🚒",
  fire_extinguisher: "🧯", information_source: "ℹ️", question: "❓", grey_question: "❔", exclamation: "❗",
  heavy_plus_sign: "➕", heavy_minus_sign: "➖", bulb: "💡", seedling: "🌱", sparkles: "✨", star: "⭐", checkered_flag: "🏁",
  triangular_flag_on_post: "🚩", test_tube: "🧪", microscope: "🔬", wastebasket: "🗑️", recycle: "♻️", elephant: "🐘",
  whale: "🐳", one: "1️⃣", two: "2️⃣", three: "3️⃣", four: "4️⃣", heart: "❤️", heartbeat: "💓", smile: "😄", slightly_smiling_face: "🙂",
  sweat_smile: "😅", thinking_face: "🤔", relieved: "😌", raised_hands: "🙌", white_flag: "🏳️", bricks: "🧱", clock: "🕐",
};

export const emojiOf = (name) => EMOJI[name.split("::")[0]];
