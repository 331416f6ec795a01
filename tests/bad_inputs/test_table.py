"""The bad inputs by their numbers: which test shows what becomes of each.

They are what users of comparable tools have run into, in this order: text data (1 to 17), tokenizers and checkpoints
(18 to 27), training (28 to 36), generation (37 to 44), metrics (45 to 47), MIDI (48 to 60), pages that look inside and
the command line (61 to 65), corpora of many files (66 to 68). Tests that nothing else needed are in this folder, a file
a section.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

TABLE = """
 1  files whose line counts differ: refused, with the line that has no counterpart
    cli/test_app.py: test_files_of_different_length
    data/test_sources.py: test_parallel_files_of_different_length
 2  U+2028, U+0085 and their like inside of a line: only newlines end one
    data/test_sources.py: test_only_newlines_end_a_line test_lines_against_a_naive_oracle
    pipeline/test_train.py: test_odd_line_ends_stay_aligned
 3  byte order marks, CRLF, other encodings: read, or refused with the place and what helps
    data/test_sources.py: test_byte_order_mark_is_dropped_at_the_start_only
    data/test_sources.py: test_invalid_utf8_names_line_offset_and_byte test_binary_file
    data/test_texts.py: test_line_ends_and_a_byte_order_mark
    cli/test_app.py: test_a_wrong_byte_is_named
    bad_inputs/test_bad_text.py: test_another_encoding_says_what_helps
 4  blank lines on one side: pairs are dropped as pairs
    data/test_sources.py: test_parallel_files_keep_order_and_empty_lines
    pipeline/test_train.py: test_odd_line_ends_stay_aligned
 5  an empty source with a target, and the other way round: dropped and counted
    pipeline/test_train.py: test_drops_leaks_duplicates_and_cuts_are_counted
    tasks/test_translate.py: test_blank_sides_are_problems
 6  sources equal to their targets, and lines of train in test: counted and told
    pipeline/test_train.py: test_drops_leaks_duplicates_and_cuts_are_counted
    data/test_prepare.py: test_leaks_into_another_split_are_counted_and_kept
    cli/test_app.py: test_drops_are_told
    bad_inputs/test_bad_text.py: test_pairs_of_equal_sides_are_told
 7  files of nothing, of white space, of one token: refused, or learned
    pipeline/test_train.py: test_a_wrong_corpus_leaves_the_folder_as_it_was
    tasks/test_lm.py: test_nothing_to_learn_from
    bad_inputs/test_bad_text.py: test_a_corpus_of_nothing test_a_corpus_of_one_byte
 8  tables with blank rows, line ends inside of quotes, no header, long fields
    data/test_sources.py: test_csv_quoting test_csv_skips_blank_rows_and_takes_long_fields
    data/test_sources.py: test_csv_with_wrong_quoting_names_the_line_where_the_row_begins
    tasks/test_finetune.py: test_a_csv test_a_table_without_a_header
    bad_inputs/test_bad_text.py: test_a_quote_that_nothing_closes_is_not_read_to_the_end
 9  a bad row among JSON lines: its number
    data/test_sources.py: test_broken_json test_json_fields_that_are_missing_or_no_strings
    data/test_articles.py: test_broken_json_names_its_line
10  gigabytes in one line: documents are read in parts, and where lines count it is refused
    data/test_texts.py: test_a_file_of_one_line_is_held_in_parts test_a_word_without_an_end_is_cut
    bad_inputs/test_bad_text.py: test_a_line_without_an_end_is_refused
11  control tokens spelled in a text: they are text, and told
    pipeline/test_train.py: test_a_literal_separator_in_a_corpus_stays_text
    data/test_bpe.py: test_text_never_becomes_a_control_id
    tasks/test_lm.py: test_an_end_of_text_in_the_text_is_text
    bad_inputs/test_bad_text.py: test_control_tokens_in_a_text_are_told
12  a pair longer than the window: cut or dropped by a rule, and counted
    data/test_prepare.py: test_a_source_is_cut_at_its_end test_a_source_that_may_not_be_cut_is_dropped
    pipeline/test_train.py: test_drops_leaks_duplicates_and_cuts_are_counted
13  a target that loses its end token: never
    data/test_prepare.py: test_a_target_is_never_cut test_a_row_that_just_fits_is_left_alone
    tasks/test_summarize.py: test_the_separator_the_summary_and_its_end_always_fit
14  less data than a batch or a window has room for
    data/test_batches.py: test_one_row
    data/test_streams.py: test_a_window_is_never_longer_than_the_data test_no_tokens_are_an_error
15  a dataset of the Hub that is a script: where its Parquet is
    data/test_sources.py: test_hub_dataset_that_is_a_script
16  emoji, right to left, CJK, combining accents: they come back byte for byte
    data/test_sources.py: test_text_comes_back_as_it_went_in
    data/test_bpe.py: test_every_text_survives test_every_character_survives
    tasks/test_contract.py: test_prompts_come_back test_answers_come_back_and_end_with_eos
17  curly quotes against straight ones: evaluate says what they cost
    bad_inputs/test_bad_metrics.py: test_quotes_of_another_style_are_told test_one_style_is_no_remark
18  a tokenizer that was learned anew beside old weights: refused
    pipeline/test_engine.py: test_another_tokenizer_is_refused
    runs/test_task_folder.py: test_another_tokenizer_is_noticed test_a_tokenizer_that_grew_is_noticed
    pipeline/test_train.py: test_init_with_another_tokenizer_is_refused
19  more tokens than rows of the embedding, ids beyond the vocabulary: refused before any step
    pipeline/test_engine.py: test_weights_of_another_vocabulary_are_refused
    bad_inputs/test_bad_checkpoints.py: test_ids_beyond_the_vocabulary test_a_tokenizer_with_gaps
20  files of a run that are missing, half written or left over
    pipeline/test_engine.py: test_a_missing_file_is_named test_a_half_written_file_is_named
    pipeline/test_engine.py: test_a_leftover_of_a_crashed_save_does_no_harm
    pipeline/test_train.py: test_a_run_that_was_killed_before_its_first_save_starts_again
21  an error page that was saved as config.json
    pipeline/test_engine.py: test_a_web_page_saved_as_config_is_refused
    model/test_hf.py: test_no_json_in_config
22  folders of Hugging Face in all their forms: the same logits
    model/test_hf.py: test_their_folder_gives_their_logits test_half_precision_weights_become_fp32
    model/test_hf.py: test_keys_without_the_prefix test_a_head_that_repeats_the_embedding
    model/test_checkpoint.py: test_prefixes_of_wrappers test_a_second_head_is_left_out
    model/test_vocabulary.py: test_new_tokens_take_the_places_of_surplus_rows
23  a run that is resumed as another: what may change and what may not
    pipeline/test_train.py: test_a_run_is_resumed_only_as_what_it_was
    training/test_distributed.py: test_one_process_then_two_then_one
24  a finished run that is resumed: how to train on
    pipeline/test_train.py: test_a_finished_run_is_not_resumed
25  a run of any name, anywhere
    pipeline/test_engine.py: test_a_copy_needs_nothing_but_itself
    cli/test_app.py: test_the_whole_way
26  an output that exists, is a file, cannot be written or has no room
    pipeline/test_train.py: test_what_exists_is_replaced_only_when_told
    test_files.py: test_a_folder_that_cannot_be_made test_a_file_is_no_folder
    faults/test_disk.py: test_a_full_disk_while_preparing test_an_output_that_cannot_be_made
27  pickled weights: never opened
    model/test_hf.py: test_pickled_weights_are_not_opened
    model/test_checkpoint.py: test_the_two_lines_convert_pickled_weights
    security/test_pickles.py: test_pickled_weights_are_refused test_a_pickled_state_is_refused
28  gradients in parts, of rows of unequal lengths: those of the whole
    training/test_step.py: test_micro_batches_give_the_same_gradients
29  examples beside each other: the losses of each alone
    data/test_streams.py: test_the_loss_of_a_split_is_that_of_its_documents
    training/test_objective.py: test_the_loss_is_that_of_each_example_alone
    model/test_gpt2.py: test_padding_on_the_right_changes_nothing_before_it
30  nothing to learn from an example, a batch, a whole split
    data/test_batches.py: test_rows_without_a_prompt_or_a_target
    training/test_loop.py: test_a_split_without_targets
    training/test_validate.py: test_a_split_without_targets
31  a loss or a gradient that is no number: the weights never see it
    training/test_step.py: test_a_loss_that_is_no_number test_a_gradient_that_is_no_number_never_reaches_the_weights
32  too little memory: tried on the longest batch first, computed in parts, or refused with advice
    training/test_probe.py: test_the_batch_is_halved_until_it_fits test_when_not_even_one_row_fits
    data/test_batches.py: test_the_longest_batch
    training/test_step.py: test_too_little_memory_says_what_would_help
33  signals in a step, in a save, twice
    cli/test_app.py: test_a_signal_saves_and_the_printed_command_goes_on test_ctrl_c_elsewhere
    training/test_loop.py: test_a_second_signal_does_not_wait
    faults/test_training_faults.py: test_a_signal_while_saving
34  devices and arithmetic that the machine has not: exit code 4, and what it has
    model/test_device.py: test_cuda_without_a_gpu_is_refused test_bf16_is_never_emulated
    cli/test_app.py: test_a_mistake_when_asking
35  a worker that dies while texts become ids: told, and nothing waits for it
    bad_inputs/test_bad_training.py: test_what_a_thread_raises_is_raised_here
36  several processes: uneven batches, more of them than rows, and one that speaks
    training/test_gradient.py: test_every_row_is_in_one_shard_and_all_shards_have_the_same_number_of_parts
    training/test_distributed.py: test_two_processes_give_the_numbers_of_one test_a_mistake_is_told_once
37  inputs of nothing, of spaces, of a dash: nothing is made up
    pipeline/test_engine.py: test_blank_sources_have_empty_answers
    cli/test_app.py: test_lines_in_are_lines_out
    bad_inputs/test_bad_generation.py: test_what_has_no_words_is_its_own_translation
38  another batch, another order: the same answers
    decoding/test_decode.py: test_the_batch_does_not_change_an_answer test_the_order_does_not_change_an_answer
    decoding/test_beam.py: test_the_batch_does_not_change_an_answer test_the_order_does_not_change_an_answer
39  prompts longer than the window, answers beyond it
    pipeline/test_engine.py: test_a_source_longer_than_the_window_is_cut
    decoding/test_decode.py: test_an_answer_stays_within_the_window
    decoding/test_decode.py: test_a_rolling_window_goes_on_beyond_the_trained_one
    cli/test_lm_verbs.py: test_longer_than_the_window
40  an answer without an end: cut, and told
    decoding/test_decode.py: test_an_answer_that_is_cut_off_is_unfinished
    cli/test_reports.py: test_scores_go_to_stdout_with_their_signature
41  an answer that repeats itself: reported
    decoding/test_repetition.py: test_a_passage_again_and_again test_what_is_not_a_repetition
    bad_inputs/test_bad_generation.py: test_repetition_is_reported
42  settings of decoding at their edges, or against each other
    decoding/test_beam.py: test_one_beam_is_greedy
    cli/test_app.py: test_a_mistake_when_asking
    test_recipe.py: test_a_wrong_setting_says_what_would_be_right
    decoding/test_sampling.py: test_a_nearly_cold_temperature_is_greedy test_the_edges_of_the_draw
    bad_inputs/test_bad_generation.py: test_seeds_out_of_range
43  closed pipes, terminals of another encoding, more lines than memory would hold
    cli/test_app.py: test_a_closed_pipe_ends_generating test_a_closed_pipe_leaves_no_traceback
    bad_inputs/test_bad_generation.py: test_standard_input_is_closed test_a_terminal_that_is_no_utf8
    faults/test_many_lines.py: test_memory_does_not_grow_with_the_lines
44  blank lines between paragraphs stay; lines of addresses, numbers and tags are copied
    cli/test_app.py: test_lines_in_are_lines_out
    bad_inputs/test_bad_generation.py: test_what_has_no_words_is_its_own_translation
45  other counts of outputs and references, nothing at all, single words, references the wrong way round
    metrics/test_metrics.py: test_counts_must_match test_nothing_to_score test_empty_outputs_count
    bad_inputs/test_bad_metrics.py: test_single_words test_references_the_wrong_way_round
46  ROUGE of accents, of other scripts, of texts without line ends
    metrics/test_rouge.py: test_words_with_accents_are_words test_a_perfect_answer_is_100_in_any_script
    metrics/test_rouge.py: test_lsum_looks_at_sentences_and_l_at_the_whole
47  answers of several lines: still a line each
    cli/test_app.py: test_lines_in_are_lines_out
    bad_inputs/test_bad_metrics.py: test_predictions_of_several_lines_are_a_line_each
48  files that are no MIDI, or not of a kind that can be read: one line says why
    music/midi_file/test_smf.py: test_damage_is_told_in_one_line test_what_surrounds_the_tracks_is_passed_over
    music/test_midi.py: test_files_that_cannot_be_read test_running_status_and_note_ons_without_velocity
    music/test_midi.py: test_sysex_and_texts_are_passed_over test_smpte_time_pays_no_heed_to_tempos
    music/corpus/test_music_sources.py: test_links_in_a_tar_and_loops_in_a_folder
    bad_inputs/test_bad_midi.py: test_files_under_a_wrong_name test_a_file_that_may_not_be_read
49  as many ticks a beat as there can be are read; times beyond counting are not, and take no memory
    music/test_midi.py: test_the_most_ticks_that_a_beat_can_have test_damage_is_told_in_one_line
50  data bytes above 127: taken as 127, and counted
    music/test_midi.py: test_data_bytes_above_127_are_taken_as_127_and_counted
    tasks/test_music.py: test_clipped_bytes_are_counted
51  notes that overlap, have no length, no end or no beginning
    music/test_midi.py: test_overlapping_notes_of_one_pitch_end_first_in_first_out
    music/test_midi.py: test_a_note_without_release_and_a_release_without_note test_what_is_dropped_is_counted
    music/stream/test_encoding.py: test_a_stream_says_a_performance_in_one_way
52  a pedal that is absent, stuck or half down
    music/midi_file/test_pedal.py: test_without_a_pedal_notes_are_as_long_as_they_were test_against_note_seq
    music/midi_file/test_pedal.py: test_the_pedal_is_down_from_64_and_moving_it_further_changes_nothing
    music/test_midi.py: test_a_pedal_stuck_down_holds_to_the_end_of_the_music
53  thousands of tempos, a tempo of 0, odd signatures
    music/test_midi.py: test_ten_thousand_tempo_changes test_damage_is_told_in_one_line
    bad_inputs/test_bad_midi.py: test_odd_signatures
54  drums alone, no note, one note, hours of music, keys that no piano has
    music/corpus/test_music_sources.py: test_drums_alone_are_no_piece
    music/test_midi.py: test_a_piece_of_three_hours_is_read_by_both
    music/stream/test_transform.py: test_transposing_out_of_range_changes_nothing
    music/analysis/test_statistics.py: test_a_single_note_has_figures_too
    bad_inputs/test_bad_midi.py: test_one_note_beyond_the_piano
55  any ids that a model may write: notes
    music/stream/test_encoding.py: test_any_ids_decode_to_notes_that_a_file_can_hold
    tasks/test_contract.py: test_any_ids_are_decoded
    fuzz/test_fuzz_ids.py: test_any_ids_are_an_answer
56  primers longer than the window, with silence before them, of drums
    cli/test_music_verbs.py: test_a_primer_goes_on test_a_primer_longer_than_the_window_is_told
    bad_inputs/test_bad_midi.py: test_a_primer_behind_silence test_a_primer_of_drums
57  no synthesizer, another package of its name, no soundfont: there is sound all the same
    music/audio/test_sound.py: test_the_built_in_piano_where_nothing_else_is test_one_that_does_not_work_is_passed_over
    music/audio/test_sound.py: test_another_package_of_the_name_is_passed_over
    music/audio/test_sound.py: test_without_a_soundfont_no_synthesizer_is_tried
58  all files damaged: refused; most of them: said loudly
    cli/test_music_verbs.py: test_damaged_files_decide_the_exit_code
    cli/test_reports.py: test_a_corpus_that_is_mostly_damaged_is_told_loudly
59  one piece under two names: taken once, on one side
    music/corpus/test_music_sources.py: test_the_same_music_is_taken_once_whatever_its_file
    tasks/test_music.py: test_the_music_alone_decides_what_is_held_out
60  a page without a network: it plays
    music/pages/test_page.py: test_the_page_holds_the_notes_and_asks_for_nothing
    music/pages/test_page.py: test_it_plays_to_the_end_stops_and_begins_anew
61  a page that looks inside: its size, and what it escapes
    inspection/test_inspect_page.py: test_text_never_ends_its_script test_a_long_input_makes_a_page_of_a_few_megabytes
    inspection/test_pieces.py: test_a_token_is_seen
62  --help: nothing heavy is loaded
    cli/test_app.py: test_help_and_recipes_load_nothing_heavy
63  recipes with unknown keys, wrong types, no TOML
    test_recipe.py: test_a_wrong_setting_says_what_would_be_right test_a_wrong_file_is_refused
    fuzz/test_fuzz_recipes.py: test_any_file_is_a_recipe_or_told
64  knobs and options that nothing reads
    test_knobs.py: test_model_knobs test_train_knobs test_generate_knobs test_task_knobs
    cli/test_flags.py: test_every_flag_is_in_the_table test_flags
65  paths with spaces, in any script, in no encoding, behind a ~
    pipeline/test_engine.py: test_a_copy_needs_nothing_but_itself
    cli/test_app.py: test_a_signal_saves_and_the_printed_command_goes_on
    cli/test_arguments.py: test_a_home_behind_an_equals_sign
    bad_inputs/test_bad_paths.py: test_paths_of_any_kind
66  globs of nothing, folders of several kinds, sides of different numbers, unreadable members: what was looked for
    data/test_shards.py: test_what_has_no_files test_a_member_that_cannot_be_read test_pairs_that_do_not_match
    data/test_shards.py: test_a_file_whose_name_is_a_pattern
    pipeline/test_prepare_shards.py: test_a_bad_line_names_its_file
67  URLs of a wrong scheme, without a package, without a file, or cut off from them: told
    data/test_remote.py: test_what_is_not_there test_a_missing_package_is_told
    data/test_remote.py: test_answers_of_the_web_that_fsspec_takes_for_a_missing_file
68  passwords and signatures in URLs: nowhere shown or written
    data/test_remote.py: test_names_have_no_secrets test_failures_hide_what_the_name_hides
    data/test_remote.py: test_an_address_in_the_words_of_a_library_loses_its_secrets test_only_a_corpus_has_secrets
    pipeline/test_prepare_shards.py: test_nothing_secret_is_written_or_said test_nothing_secret_is_in_an_error
"""
"""The number, what comes in and what becomes of it; below, files of this folder's parent and their tests, or behind "-"
why there are none."""


def cases() -> dict[str, list[tuple[str, str]]]:
    """(file, test) by the number and the words of each case; a reason has no file."""
    found: dict[str, list[tuple[str, str]]] = {}
    for line in TABLE.strip("\n").split("\n"):
        if re.match(r" ?\d", line):
            assert line not in found
            tests = found[line] = []
            continue
        file, names = line.strip().split(": ", 1)
        tests += [("", names)] if file == "-" else [(file, name) for name in names.split()]
    return found


@cache
def names(file: str) -> frozenset[str]:
    """The tests of a file."""
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_number_stands_once() -> None:
    assert [int(case.split()[0]) for case in cases()] == list(range(1, 69))


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.split()[0])
def test_what_is_named_exists(case: str) -> None:
    tests = cases()[case]
    assert tests, "either tests, or the reason why there are none"
    missing = [f"{file}::{name}" for file, name in tests if file and name not in names(file)]
    assert not missing
