import { RotateCcw, TriangleAlert } from 'lucide-react';
import { Component, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import { Button, Empty } from '../ui/kit';

/** A defect of one page shows as a sentence and a way on, never as an empty window; the player goes on beside it. */
export class Mishap extends Component<{ children: ReactNode; place: string }, { failedAt: string | null }> {
  override state = { failedAt: null as string | null };
  static getDerivedStateFromError(): { failedAt: string } {
    return { failedAt: window.location.pathname };
  }
  override componentDidUpdate(before: { place: string }): void {
    // Somewhere else is a new try.
    if (before.place !== this.props.place && this.state.failedAt !== null) this.setState({ failedAt: null });
  }
  override render(): ReactNode {
    return this.state.failedAt === null ? this.props.children : <Sorry />;
  }
}

function Sorry() {
  const { t } = useTranslation();
  return (
    <Empty
      alone
      icon={TriangleAlert}
      title={t('errors.title')}
      text={t('errors.unknown')}
      action={
        <Button icon={RotateCcw} onClick={() => window.location.reload()}>
          {t('ui.tryAgain')}
        </Button>
      }
    />
  );
}
