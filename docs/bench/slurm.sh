#!/bin/sh
# A plan as a Slurm array: sbatch --array=1-16 slurm.sh PLAN.toml
# Each task runs its part of the rounds into a file of its own; afterwards:
#   patchbay bench merge part-*.jsonl --output all.jsonl && patchbay bench report all.jsonl
#SBATCH --job-name=patchbay
#SBATCH --cpus-per-task=1
#SBATCH --output=part-%a.log
exec patchbay bench "$1" --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" \
	--output "part-$SLURM_ARRAY_TASK_ID.jsonl"
