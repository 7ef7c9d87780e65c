#!/bin/bash
# What bash has that a plain shell has not, with arrays that memory cannot hold at once. Every line of its output begins
# with "out: ", and says nothing that depends on the machine: it is the same on Linux.
#
# usage: bash.sh DIRECTORY (an empty one)

shopt -s extglob # patterns are read with the functions that have them

# An indexed and an associative array of 8,000 elements each: some 4 MB of small allocations.
large_arrays() {
	local -i i x=1 sum=0
	local -a numbers=()
	local -A place=()
	local padding key
	printf -v padding '%0100d' 0
	for ((i = 0; i < 8000; i++)); do
		((x = x * 16807 % 2147483647))
		numbers[i]=$x
		place[$x$padding]=$i
	done
	echo "${#numbers[@]} ${#place[@]} ${numbers[0]} ${numbers[-1]} ${place[16807$padding]}"
	for ((i = 0; i < 8000; i++)); do
		((sum += place[${numbers[i]}$padding] == i))
	done
	echo "found $sum"
	printf '%s\n' "${numbers[@]}" > numbers
	mapfile -t -s 10 -n 5 some < numbers
	echo "${some[*]}" "${some[@]: -2}"
	mapfile -t sorted < <(sort -n numbers)
	echo "${#sorted[@]} ${sorted[0]} ${sorted[4000]} ${sorted[@]: -1}"
	unset 'numbers[0]' 'sorted[-1]'
	echo "${#numbers[@]} ${#sorted[@]} $(md5sum < numbers)"
	(numbers[1]=changed; echo "${numbers[1]} in a subshell")
	echo "${numbers[1]} outside"
}

# A child has a copy of all that the shell has, and both change theirs.
copies() {
	local -a words
	local -i i
	for ((i = 0; i < 8000; i++)); do
		words[i]="word number $i"
	done
	for job in 1 2 3; do
		(for ((i = job; i < 8000; i += 7)); do words[i]+=" of $job"; done
		 printf '%s\n' "${words[@]}" | md5sum > copy$job) &
	done
	for ((i = 0; i < 8000; i += 5)); do words[i]=${words[i]^^}; done
	wait
	cat copy1 copy2 copy3
	printf '%s\n' "${words[@]}" | md5sum
}

process_substitution() {
	paste -d: <(seq 1 5) <(seq 11 15) | tr '\n' ' '
	diff <(printf '%s\n' a b c) <(printf '%s\n' a x c) | sed -n '4,$p'
	seq 1 3000 | tee >(md5sum > sum1) >(wc -l > lines) > copy
	until [[ -s sum1 && -s lines ]]; do :; done
	echo "$(< sum1) $(< lines) $(md5sum < copy)"
	local file=<(:)
	[[ $file == /dev/fd/* ]] && echo "a path in /dev/fd"
	while read -r -u 7 a b; do echo "$b $a"; done 7< <(echo 1 2; echo 3 4)
}

here_documents() {
	local name=value
	cat <<- END
		expanded $name $((6 * 7)) $(echo from a command)
	END
	cat << 'END'
not $expanded `at all`
END
	read -r -d '' text <<< "a here string"
	printf '<%s>\n' "$text"
	local long
	printf -v long '%0200000d' 7
	wc -c <<< "$long"
}

coprocesses() {
	coproc UPPER { while read -r line; do echo "${line^^}"; done; }
	local answer pid=$UPPER_PID
	for word in alpha beta gamma; do
		echo "$word" >&"${UPPER[1]}"
		read -r -t 60 answer <&"${UPPER[0]}"
		echo "$word $answer"
	done
	exec {UPPER[1]}>&-
	wait "$pid"
	echo "ended by $?"
}

traps() {
	trap 'echo "got USR1"' USR1
	trap 'echo "got USR2 in ${FUNCNAME[0]}"' USR2
	kill -USR1 $BASHPID
	kill -USR2 $BASHPID
	trap - USR1 USR2
	(trap 'echo "left with $?"' EXIT; exit 3)
	(trap 'echo "error $? in a subshell"' ERR; false; true)
	(trap '' TERM; kill -TERM $BASHPID; echo "TERM is ignored")
	(trap 'echo cleaning up; exit 5' TERM; kill -TERM $BASHPID; echo "not reached")
	echo "status $?"
	local -i ended=0
	trap 'ended+=1' CHLD
	(exit 0) &
	until ((ended)); do :; done
	trap -p CHLD
	trap - CHLD
	(set -o functrace; declare -i n=0; trap 'n+=1' DEBUG; :; :; trap - DEBUG; echo "$n commands")
}

# Job control in a shell without a terminal: each job is a process group.
job_control() {
	set -m
	wait
	jobs > /dev/null # those that ended before are forgotten, and numbers begin at 1 again
	sleep 1000 &
	local job=$!
	jobs
	kill -STOP %sleep
	wait "$job"
	echo "stopped: $?"
	jobs
	kill -CONT %1
	until [[ $(jobs) == *Running* ]]; do :; done
	jobs -r | wc -l
	kill -TERM %%
	wait "$job"
	echo "ended: $?"
	(sh -c 'sleep 1000 & sleep 1000') &
	job=$!
	kill -KILL -- -$job
	wait "$job" 2> /dev/null
	echo "group: $?"
	set +m
}

# Two jobs hand each other a token by signals.
signals_between_jobs() {
	local log=$PWD/log
	mkfifo ready
	partner() {
		local -i rounds=0 answered=0
		trap 'rounds+=1' USR1
		trap 'exit 9' TERM
		echo up > ready
		# In a read that just begins a trap would have to wait for its end; and the answer is given outside the
		# trap, as bash forgets a signal that comes while its own trap runs.
		while :; do
			if ((rounds > answered)); then
				answered+=1
				echo "partner $rounds" >> "$log"
				kill -USR2 $$
			fi
		done
	}
	local -i answers=0
	trap 'answers+=1; echo "shell $answers" >> "$log"' USR2
	partner &
	local job=$!
	read -r < ready
	for round in 1 2 3 4 5; do
		kill -USR1 $job
		until ((answers == round)); do :; done
	done
	kill -TERM $job
	wait $job
	echo "partner ended by $?"
	trap - USR2
	tr '\n' ' ' < log
	echo
}

waiting() {
	local -i sum=0
	local done
	for i in 3 1 2; do
		(exit $i) &
	done
	for i in 1 2 3; do
		wait -n
		sum+=$?
	done
	echo "statuses $sum"
	wait -n
	echo "nobody left: $?"
	(exit 42) & wait -n -p done $!
	echo "$? $((done == $!))"
	mkfifo never
	read -r -t 0.1 answer <> never
	echo "timed out: $(($? > 128))"
	read -r -t 0 < /dev/null
	echo "something to read: $?"
	read -r -N 5 letters < <(printf 'abcdefgh')
	echo "$letters"
}

pipelines() {
	false | true
	echo "${PIPESTATUS[@]} without"
	set -o pipefail
	false | true
	echo "$? with pipefail"
	(exit 4) | (exit 5) | true
	echo "${PIPESTATUS[@]}"
	yes | head -n 1
	echo "${PIPESTATUS[0]} is SIGPIPE"
	set +o pipefail
	shopt -s lastpipe
	echo "in this shell" | read -r line
	echo "$line"
	! true
	echo "not: $?"
}

arithmetic() {
	echo "$((2 ** 62 + (2 ** 62 - 1))) $((-7 / 2)) $((-7 % 3)) $((16#ff + 2#101)) $((1 << 4 | 3))"
	local -i n=5
	((n += n++ * 2, n <<= 1))
	echo "$n $((n > 10 ? n : 0)) $((~n))"
	((1 / 0)) 2> error
	echo "$? $(sed 's/.*: line [0-9]*: //' error)"
	printf '%05d|%-6s|%x|%o|%c|%q|%b|%.3s\n' 42 ab 255 8 xyz 'a b' 'c\td' abcdef
	printf '%(%Y-%m-%d)T %s\n' 86400 epoch
	printf '%.4f %e %g\n' 3.14159265 12345.678 0.0001
}

words() {
	local text="The quick brown fox" path=/a/b/file.tar.gz
	echo "${text,,} ${text/quick/slow} ${text:4:5} ${#text} ${path##*/} ${path%.*} ${path%%.*} ${text//o/0}"
	[[ $text =~ ([a-z]+)\ fox$ ]] && echo "${BASH_REMATCH[1]}"
	echo {a..e}{1,2} {01..10..3}
	local -n reference=text
	reference=changed
	echo "$text ${!path*} ${undefined:-default}"
	shopt -s nullglob
	touch one.c two.h three.c
	echo *.c !(*.c|*.h) none*
	select choice in first second; do echo "chose $choice"; break; done <<< 2 2> /dev/null
	case abc in a*) echo falls ;& x) echo through ;;& *c) echo further ;; esac
	getopts ab:c option -b value && echo "$option $OPTARG"
	eval 'echo "$(declare -p text)"'
	type -t echo cat_nowhere if
}

main() {
	for step in large_arrays copies process_substitution here_documents coprocesses traps job_control \
		signals_between_jobs waiting pipelines arithmetic words; do
		echo "== $step"
		mkdir "$directory/$step"
		cd "$directory/$step" && $step
		cd "$directory" && rm -r $step
	done
	ls -A
	echo "== end"
}

# Jobs that stop are told only to a shell that is not itself a part of a pipeline.
directory=$1
if (($# == 1)); then
	"$BASH" "$0" "$1" steps 2>&1 | sed 's/^/out: /'
else
	main
fi
